// rich_text blocks.

import { h } from "./dom.js";
import { channelMention, dateNode, link, mention } from "./mrkdwn.js";

const ELEMENTS = {
  text: (element) => element.text,
  link: (element) => link(element.url, element.text),
  emoji: (element) => `:${element.name}:`,
  user: (element) => mention(element.user_id),
  channel: (element) => channelMention(element.channel_id),
  usergroup: (element) => h("span", { class: "mention" }, `@${element.usergroup_id}`),
  broadcast: (element) => h("span", { class: "mention mine" }, `@${element.range}`),
  color: (element) => element.value,
  date: (element) => dateNode(element.timestamp, element.format, element.fallback, element.url),
};

const STYLES = { bold: "strong", italic: "em", strike: "del", underline: "u", code: "code" };

function piece(element) {
  let node = ELEMENTS[element.type]?.(element) ?? JSON.stringify(element);
  for (const [style, tag] of Object.entries(STYLES)) {
    if (element.style?.[style]) node = h(tag, {}, node);
  }
  return node;
}

const pieces = (element) => element.elements.map(piece);

const CONTAINERS = {
  rich_text_section: (element) => h("div", { class: "rich-section" }, pieces(element)),
  rich_text_preformatted: (element) => h("pre", {}, pieces(element)),
  rich_text_quote: (element) => h("blockquote", {}, pieces(element)),
  rich_text_list: (element) => h(
    element.style === "ordered" ? "ol" : "ul",
    { class: `indent-${element.indent || 0}`, start: element.offset ? element.offset + 1 : undefined },
    element.elements.map((item) => h("li", {}, pieces(item)))),
};

export function richText(block) {
  return h("div", { class: "b-rich" }, block.elements.map(
    (element) => CONTAINERS[element.type]?.(element) ?? h("pre", {}, JSON.stringify(element, null, 2))));
}
