// What goes back and forth between Slack, the bot and ZEGOCLOUD, newest at the end.

import { byId, h } from "./dom.js";
import { timeOfDay } from "./dates.js";
import { me, on, store } from "./store.js";

const WAYS = {
  to_bot: ["Slack → bot", "way-bot"],
  to_slack: ["bot → Slack", "way-slack"],
  to_vendor: ["bot → ZEGOCLOUD", "way-vendor"],
};

const json = (title, value) => (value === null || value === undefined || value === "" ? null
  : h("details", { open: true }, h("summary", {}, title), h("pre", {}, JSON.stringify(value, null, 2))));

function entryNode(entry) {
  const [way, kind] = WAYS[entry.way];
  const body = h("div", { class: "entry-body" });
  const node = h("details", {
    dataset: { at: String(entry.at) },
    class: `entry ${kind}${entry.ok ? "" : " failed"}`,
    ontoggle: () => {
      if (node.open && !body.childNodes.length) body.append(...[json("Sent", entry.sent), json("Answered", entry.answered)].filter(Boolean));
    },
  },
  h("summary", {},
    h("span", { class: "entry-way" }, way),
    h("span", { class: "entry-time" }, timeOfDay(entry.at * 1000, me().tz, { seconds: true })),
    h("span", { class: "entry-title" }, entry.title),
    h("span", { class: "entry-note" }, entry.note,
      entry.ms === null ? null : ` · ${entry.ms < 10 ? entry.ms.toFixed(1) : Math.round(entry.ms)} ms`,
      entry.cached ? h("span", { class: "badge good" }, "from cache") : null)),
  body);
  return node;
}

const list = byId("entries");
const atEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < 60;

function showAll() {
  list.replaceChildren(...[...store.inspected].sort((a, b) => a.at - b.at || a.n - b.n).map(entryNode));
  list.scrollTop = list.scrollHeight;
  showCount();
}

function showCount() {
  byId("entries-empty").hidden = store.inspected.length > 0;
}

on("everything me", () => { if (me()) showAll(); });
on("inspected", (change) => {
  const stick = atEnd();
  // A delivery is known once it is acknowledged: it goes before what it caused.
  const before = [...list.children].reverse().find((node) => Number(node.dataset.at) <= change.entry.at);
  if (before) before.after(entryNode(change.entry));
  else list.prepend(entryNode(change.entry));
  while (list.children.length > 150) list.firstChild.remove();
  if (stick) list.scrollTop = list.scrollHeight;
  showCount();
});
byId("entries-clear").addEventListener("click", () => {
  store.inspected = [];
  showAll();
});
