// Building DOM nodes from data: every text becomes a text node, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "value" || name === "checked" || name === "selected") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

export const lock = () => svg("svg", { viewBox: "0 0 16 16", class: "lock", role: "img", "aria-label": "private" },
  svg("path", { d: "M5 7V5a3 3 0 0 1 6 0v2h.5A1.5 1.5 0 0 1 13 8.500v4a1.500 1.500 0 0 1-1.500 1.500h-7A1.500 1.500 0 0 1 3 12.500v-4A1.500 1.500 0 0 1 4.500 7zm1.500 0h3V5a1.500 1.500 0 0 0-3 0z" }));

export const byId = (id) => document.getElementById(id);

// Replaces what is in `parent`; the keyboard stays where it was as long as the same thing is still there.
export function refill(parent, ...children) {
  const key = parent.contains(document.activeElement)
    ? document.activeElement.closest("[data-focus]")?.dataset.focus
    : undefined;
  parent.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (key !== undefined) focusOn(parent, key);
}

export function swap(old, fresh) {
  const within = old.contains(document.activeElement);
  const key = within ? document.activeElement.closest("[data-focus]")?.dataset.focus : undefined;
  old.replaceWith(fresh);
  if (within && !(key !== undefined && focusOn(fresh, key))) fresh.focus?.({ preventScroll: true });
}

function focusOn(root, key) {
  const found = [...root.querySelectorAll("[data-focus]")].find((node) => node.dataset.focus === key);
  found?.focus({ preventScroll: true });
  return Boolean(found);
}

let silence;
export function announce(text) {
  const region = byId("announcer");
  clearTimeout(silence);
  region.textContent = text;
  silence = setTimeout(() => { region.textContent = ""; }, 8000);
}

export function toast(text, { action, label } = {}) {
  const note = h("div", { class: "toast", role: "status" }, h("span", {}, text));
  const gone = () => note.remove();
  if (action) note.append(h("button", { class: "link", type: "button", onclick: () => { action(); gone(); } }, label));
  note.append(h("button", { class: "icon", type: "button", "aria-label": "Close", onclick: gone }, "×"));
  byId("toasts").append(note);
  setTimeout(gone, 9000);
}
