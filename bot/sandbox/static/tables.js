// table and data_table blocks; the latter sorts, filters and pages by itself, as Slack's does.

import { h } from "./dom.js";
import { richText } from "./richtext.js";

const cellText = (cell) => {
  if (!cell) return "";
  if (cell.type === "raw_number") return cell.text ?? String(cell.value);
  if (cell.type === "raw_text") return cell.text;
  return (cell.elements || []).flatMap((part) => part.elements || [])
    .map((piece) => piece.text ?? piece.fallback ?? String(piece.timestamp ?? "")).join("");
};

const sortKey = (cell) => {
  if (cell?.type === "raw_number") return cell.value;
  const dates = (cell?.elements || []).flatMap((part) => part.elements || []).filter((piece) => piece.type === "date");
  return dates.length ? dates[0].timestamp : cellText(cell).toLowerCase();
};

const cellNode = (cell) => (cell?.type === "rich_text" ? richText(cell) : cellText(cell));

const aligned = (settings, column) => {
  const { align, is_wrapped: wrapped } = settings?.[column] || {};
  return `${align ? `align-${align}` : ""} ${wrapped ? "wrapped" : ""}`.trim() || undefined;
};

export function table(block) {
  const [head, ...rows] = block.rows;
  return h("div", { class: "b-table", tabindex: "0", role: "region", "aria-label": "Table" }, h("table", {},
    h("thead", {}, h("tr", {}, head.map((cell, column) =>
      h("th", { scope: "col", class: aligned(block.column_settings, column) }, cellNode(cell))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, column) =>
      h("td", { class: aligned(block.column_settings, column) }, cellNode(cell))))))));
}

const USUAL_ROWS = 10;

export function dataTable(block) {
  const [head, ...rows] = block.rows;
  const size = block.page_size || USUAL_ROWS;
  let page = 0;
  let sorted = null;
  let wanted = "";
  const body = h("tbody");
  const place = h("span", { class: "muted", "aria-live": "polite" });
  const back = h("button", { type: "button", class: "b-button", onclick: () => { page -= 1; show(); } }, "Previous");
  const forth = h("button", { type: "button", class: "b-button", onclick: () => { page += 1; show(); } }, "Next");
  const headings = head.map((cell, column) => h("th", { scope: "col" }, h("button", {
    type: "button", class: "sort",
    onclick: () => {
      sorted = { column, down: sorted?.column === column && !sorted.down };
      page = 0;
      show();
    },
  }, cellText(cell))));

  function show() {
    const found = rows.filter((row) => row.some((cell) => cellText(cell).toLowerCase().includes(wanted)));
    if (sorted) {
      found.sort((a, b) => {
        const [x, y] = [sortKey(a[sorted.column]), sortKey(b[sorted.column])];
        return (x < y ? -1 : x > y ? 1 : 0) * (sorted.down ? -1 : 1);
      });
    }
    headings.forEach((heading, column) => heading.setAttribute("aria-sort",
      sorted?.column === column ? (sorted.down ? "descending" : "ascending") : "none"));
    const from = page * size;
    body.replaceChildren(...found.slice(from, from + size).map((row) => h("tr", {}, row.map((cell, column) =>
      h(column === block.row_header_column_index ? "th" : "td", {}, cellNode(cell))))));
    place.textContent = found.length
      ? `${from + 1}–${Math.min(from + size, found.length)} of ${found.length}` : "Nothing found";
    back.disabled = page === 0;
    forth.disabled = from + size >= found.length;
  }

  show();
  return h("div", { class: "b-table", role: "region", "aria-label": block.caption },
    h("div", { class: "table-tools" }, h("strong", {}, block.caption), h("input", {
      type: "search", class: "control", placeholder: "Filter", "aria-label": "Filter rows",
      oninput: (event) => { wanted = event.target.value.toLowerCase(); page = 0; show(); },
    })),
    h("div", { class: "table-scroll", tabindex: "0" }, h("table", {}, h("thead", {}, h("tr", {}, headings)), body)),
    rows.length > size ? h("div", { class: "table-tools" }, back, place, forth) : null);
}
