// Slack's mrkdwn as DOM nodes. Whatever is in it, it can only become text and the few elements made here.

import { h } from "./dom.js";
import { fullDate, slackDate } from "./dates.js";
import { me, nameOf, nowMs, store } from "./store.js";

const OPEN = "\uFDD0";
const SHUT = "\uFDD1";
const SAFE_LINK = /^(https?:|mailto:|tel:|slack:)/i;
const BARE_LINK = /\bhttps?:\/\/[^\s<>]*[^\s<>.,;:!?)\]'"*_~]/g;

export const unescape = (text) =>
  text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

// Where a link leads. Nothing stands behind the addresses of simulated files: a page of the sandbox says so.
export function whereTo(url) {
  if (!SAFE_LINK.test(url)) return undefined;
  const simulated = URL.canParse(url) && new URL(url).hostname.endsWith(".example.com");
  return simulated ? `/static/elsewhere.html?to=${encodeURIComponent(url)}` : url;
}

const anchor = (url, ...children) => h("a", { href: whereTo(url), title: url, target: "_blank", rel: "noopener noreferrer" }, children);

export function link(url, label) {
  if (!SAFE_LINK.test(url)) return document.createTextNode(label || url);
  return anchor(url, label || url);
}

export function dateNode(timestamp, format, fallback, url) {
  const zone = me()?.tz;
  const text = slackDate(timestamp, format, fallback, zone, nowMs());
  const ms = Number(timestamp) * 1000;
  const node = h("time", {
    class: "date",
    dataset: format.includes("{ago}") ? { timestamp, format } : {},
    datetime: Number.isFinite(ms) ? new Date(ms).toISOString() : undefined,
    title: Number.isFinite(ms) && zone ? `${fullDate(ms, zone)} (${zone})` : undefined,
  }, text);
  return url && SAFE_LINK.test(url) ? anchor(url, node) : node;
}

// "3 minutes ago" goes on counting.
setInterval(() => {
  for (const node of document.querySelectorAll("time[data-format]")) {
    node.textContent = slackDate(node.dataset.timestamp, node.dataset.format, "", me()?.tz, nowMs());
  }
}, 5000);

export function mention(id, fallback) {
  const mine = id === store.me ? " mine" : "";
  return h("span", { class: `mention${mine}` }, `@${store.people.has(id) ? nameOf(id) : fallback || id}`);
}

export function channelMention(id, fallback) {
  return h("span", { class: "mention" }, `#${store.channels.get(id)?.name || fallback || id}`);
}

// What stands between < and >.
function angle(inner) {
  const [target, ...rest] = inner.split("|");
  const label = rest.length ? unescape(rest.join("|")) : "";
  if (target.startsWith("@")) return mention(target.slice(1), label);
  if (target.startsWith("#")) return channelMention(target.slice(1), label);
  if (target.startsWith("!date^")) {
    const [, timestamp, format = "", url] = target.split("^");
    return dateNode(timestamp, unescape(format), label, url && unescape(url));
  }
  if (target.startsWith("!subteam^")) return h("span", { class: "mention" }, label || "@group");
  if (target.startsWith("!")) return h("span", { class: "mention mine" }, `@${target.slice(1)}`);
  return link(unescape(target), label || unescape(target));
}

const STYLES = [["\\*", "strong"], ["_", "em"], ["~", "del"]].map(([s, tag]) => {
  return [new RegExp(`(^|[^\\p{L}\\p{N}${s}])${s}(?=[^\\s${s}])([^${s}\\n]*[^\\s${s}])${s}(?![\\p{L}\\p{N}${s}])`, "u"), tag];
});

function styled(text, atoms, verbatim) {
  let best = null;
  for (const [pattern, tag] of STYLES) {
    const found = pattern.exec(text);
    if (found && (best === null || found.index < best.found.index)) best = { found, tag };
  }
  if (best === null) return plain(text, atoms, verbatim);
  const [whole, before, inside] = best.found;
  const start = best.found.index;
  return [
    ...plain(text.slice(0, start) + before, atoms, verbatim),
    h(best.tag, {}, styled(inside, atoms, verbatim)),
    ...styled(text.slice(start + whole.length), atoms, verbatim),
  ];
}

function plain(text, atoms, verbatim) {
  return text.split(new RegExp(`${OPEN}(\\d+)${SHUT}`)).flatMap((piece, index) => {
    if (index % 2) return [atoms[Number(piece)]];
    return verbatim ? lines(unescape(piece)) : linked(piece);
  });
}

function linked(text) {
  const nodes = [];
  let last = 0;
  for (const found of text.matchAll(BARE_LINK)) {
    nodes.push(...lines(unescape(text.slice(last, found.index))), link(unescape(found[0])));
    last = found.index + found[0].length;
  }
  return [...nodes, ...lines(unescape(text.slice(last)))];
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line])).filter((node) => node !== "");
}

function inline(text, verbatim) {
  const atoms = [];
  const keep = (node) => `${OPEN}${atoms.push(node) - 1}${SHUT}`;
  const rest = text
    .replace(/[\uFDD0\uFDD1]/g, "\uFFFD")
    .replace(/`([^`\n]+)`|<([^<>\n]+)>/g, (_, code, inner) =>
      keep(code === undefined ? angle(inner) : h("code", {}, inCode(code))));
  return styled(rest, atoms, verbatim);
}

// Links and dates work inside code, too; nothing else does.
function inCode(text) {
  return text.split(/<([^<>\n]+)>/).map((piece, index) => (index % 2 ? angle(piece) : unescape(piece)));
}

function quoted(text, verbatim) {
  const nodes = [];
  let quote = [];
  let usual = [];
  const flush = () => {
    if (quote.length) nodes.push(h("blockquote", {}, inline(quote.join("\n"), verbatim)));
    if (usual.length) nodes.push(...inline(usual.join("\n"), verbatim));
    quote = [];
    usual = [];
  };
  for (const line of text.split("\n")) {
    const found = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    if (Boolean(found) !== quote.length > 0) flush();
    (found ? quote : usual).push(found ? found[1] : line);
  }
  flush();
  return nodes;
}

export function mrkdwn(text, { verbatim = false } = {}) {
  return text.split(/```\n?([\s\S]*?)```/).flatMap((piece, index) => {
    if (index % 2) return [h("pre", {}, inCode(piece))];
    return piece ? quoted(piece, verbatim) : [];
  });
}

// A text object of either type.
export function textObject(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text, { verbatim: object.verbatim });
  return lines(object.text ?? "");
}
