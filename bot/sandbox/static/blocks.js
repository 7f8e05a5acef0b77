// Block Kit: one function for each type of block.

import { h } from "./dom.js";
import { chart } from "./charts.js";
import { renderElement, unknown } from "./elements.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";
import { dataTable, table } from "./tables.js";
import { textObject } from "./mrkdwn.js";

function section(block, surface) {
  return h("div", { class: "b-section" },
    h("div", { class: "b-section-body" },
      block.text ? h("div", { class: "b-text" }, textObject(block.text)) : null,
      block.fields ? h("div", { class: "b-fields" },
        block.fields.map((field) => h("div", { class: "b-text" }, textObject(field)))) : null),
    block.accessory ? h("div", { class: "b-accessory" }, renderElement(block.accessory, block, surface)) : null);
}

const context = (block) => h("div", { class: "b-context" }, block.elements.map((element) =>
  element.type === "image"
    ? h("img", { src: element.image_url, alt: element.alt_text })
    : h("span", {}, textObject(element))));

const actions = (block, surface) => h("div", { class: "b-actions" },
  block.elements.map((element) => renderElement(element, block, surface)));

const image = (block) => h("figure", { class: "b-image" },
  block.title ? h("figcaption", {}, textObject(block.title)) : null,
  h("img", { src: block.image_url, alt: block.alt_text }));

function input(block, surface) {
  const error = surface.errorOf?.(block.block_id);
  const control = renderElement(block.element, block, surface);
  const id = `e-${block.block_id}`;
  const labelled = control.id ? { for: control.id } : {};
  if (!control.id) control.setAttribute("aria-label", block.label.text);
  const target = control.matches("input, select, textarea") ? control : control.querySelector("summary, input");
  if (error && target) {
    target.setAttribute("aria-invalid", "true");
    target.setAttribute("aria-describedby", id);
  }
  return h("div", { class: `b-input${error ? " wrong" : ""}`, dataset: { block: block.block_id } },
    h("label", labelled, textObject(block.label),
      block.optional ? h("span", { class: "optional" }, " (optional)") : null),
    control,
    error ? h("p", { class: "field-error", id, role: "alert" }, error) : null,
    block.hint ? h("p", { class: "hint" }, textObject(block.hint)) : null);
}

const BLOCKS = {
  header: (block) => h("h3", { class: "b-header" }, textObject(block.text)),
  section,
  context,
  divider: () => h("hr"),
  actions,
  image,
  input,
  rich_text: richText,
  table,
  data_table: dataTable,
  data_visualization: chart,
  markdown: (block) => h("div", { class: "b-text" }, markdown(block.text)),
};

export function renderBlocks(blocks, surface) {
  return blocks.map((block) => (BLOCKS[block.type] || unknown)(block, surface));
}
