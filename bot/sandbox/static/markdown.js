// The `markdown` block: the part of Markdown that Slack shows (headings, lists, code, emphasis, links).

import { h } from "./dom.js";
import { link } from "./mrkdwn.js";

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|_([^_]+)_|~~([^~]+)~~|\[([^\]]+)\]\(([^)\s]+)\)/g;

function inline(text) {
  const nodes = [];
  let last = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, code, bold, italic, other, strike, label, url] = found;
    nodes.push(text.slice(last, found.index));
    if (code) nodes.push(h("code", {}, code));
    else if (bold) nodes.push(h("strong", {}, bold));
    else if (italic || other) nodes.push(h("em", {}, italic || other));
    else if (strike) nodes.push(h("del", {}, strike));
    else nodes.push(link(url, label));
    last = found.index + whole.length;
  }
  return [...nodes, text.slice(last)];
}

export function markdown(text) {
  return text.split(/```\w*\n?([\s\S]*?)```/).flatMap((piece, index) => {
    if (index % 2) return [h("pre", {}, piece)];
    return piece.split("\n").map((line) => {
      const heading = /^#{1,6}\s+(.*)$/.exec(line);
      if (heading) return h("h4", {}, inline(heading[1]));
      const item = /^\s*(?:[-*+]|\d+\.)\s+(.*)$/.exec(line);
      if (item) return h("div", { class: "md-item" }, "• ", inline(item[1]));
      const quote = /^>\s?(.*)$/.exec(line);
      if (quote) return h("blockquote", {}, inline(quote[1]));
      return h("div", { class: "md-line" }, inline(line));
    });
  });
}
