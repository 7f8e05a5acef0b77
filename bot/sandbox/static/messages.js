// Messages as the channel and the thread pane show them.

import { announce, h, refill, swap, toast } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { relativeDay, fullDate, slackDate, timeOfDay } from "./dates.js";
import { post } from "./feed.js";
import { openMenu } from "./menus.js";
import { mrkdwn } from "./mrkdwn.js";
import { useShortcut } from "./steps.js";
import { isMine, me, nameOf, nowMs, openThread, repliesTo, sameMessage, store } from "./store.js";

const chosen = new Map(); // menus in messages keep what was chosen until the message changes

const keyOf = (message) => `${message.channel}/${message.ts}`;
export const msOf = (message) => Number(message.ts) * 1000;

function surfaceOf(message) {
  const slot = (block, element) => `${keyOf(message)}/${block.block_id}/${element.action_id}`;
  return {
    form: false,
    get: (block, element) => chosen.get(slot(block, element)),
    set: (block, element, value) => chosen.set(slot(block, element), value),
    async act(block, element, value) {
      const answer = await post("click", {
        user: store.me, channel: message.channel, ts: message.ts,
        block_id: block.block_id, action_id: element.action_id, value,
      });
      if (answer.error) toast(answer.error);
    },
  };
}

export const avatar = (user) => {
  const kind = user === store.app.user_id ? "app" : user === "USLACKBOT" ? "slackbot" : `p${[...user].reduce((n, c) => n + c.charCodeAt(0), 0) % 5}`;
  return h("span", { class: `avatar ${kind}`, "aria-hidden": "true" }, nameOf(user).slice(0, 1).toUpperCase());
};

const size = (bytes) => (bytes < 1000 ? `${bytes} bytes`
  : bytes < 1e6 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

const file = (one) => h("a", {
  class: "file", href: `/sandbox/files/${encodeURIComponent(one.id)}`, download: one.name,
}, h("span", { class: "file-icon", "aria-hidden": "true" }, one.name.split(".").pop().toUpperCase().slice(0, 4)),
h("span", { class: "file-names" }, h("strong", {}, one.title || one.name),
  h("small", {}, `${one.name} · ${size(one.size)} · Download`)));

function tools(message, inThread) {
  const buttons = [];
  if (message.ephemeral_for) {
    buttons.push(h("button", {
      type: "button", class: "tool", title: "Take this message away", "aria-label": "Dismiss message",
      dataset: { focus: `${keyOf(message)}/dismiss` },
      onclick: () => post("dismiss", { user: store.me, channel: message.channel, ts: message.ts }),
    }, "Dismiss"));
  } else {
    if (!inThread) {
      buttons.push(h("button", {
        type: "button", class: "tool", "aria-label": "Reply in thread", dataset: { focus: `${keyOf(message)}/reply` },
        onclick: () => openThread(message),
      }, "Reply"));
    }
    const more = h("button", {
      type: "button", class: "tool", "aria-haspopup": "menu", "aria-label": "More actions", title: "More actions",
      dataset: { focus: `${keyOf(message)}/more` },
      onclick: () => openMenu(more, moreItems(message)),
    }, "⋯");
    buttons.push(more);
  }
  return h("div", { class: "tools" }, buttons);
}

function moreItems(message) {
  const shortcuts = store.app.shortcuts.filter((shortcut) => shortcut.type === "message");
  return [
    ...shortcuts.map((shortcut) => ({
      label: shortcut.name, hint: store.app.name, run: () => useShortcut(shortcut, message),
    })),
    { label: "Copy text", run: () => navigator.clipboard?.writeText(message.text).catch(() => toast("The browser did not allow it.")) },
  ];
}

const WITHIN_MS = 5 * 60_000;

function continues(message, before) {
  return before && before.user === message.user && before.ephemeral_for === message.ephemeral_for
    && !message.ephemeral_for && msOf(message) - msOf(before) < WITHIN_MS && message.user !== store.app.user_id;
}

function messageNode(message, before, inThread) {
  const zone = me().tz;
  const ms = msOf(message);
  const isApp = message.user === store.app.user_id || message.user === "USLACKBOT";
  const grouped = continues(message, before);
  const content = message.blocks.length
    ? renderBlocks(message.blocks, surfaceOf(message))
    : message.text ? [h("div", { class: "b-text" }, mrkdwn(message.text))] : [];
  const replies = inThread ? [] : repliesTo(message);
  const label = `${nameOf(message.user)}, ${slackDate(ms / 1000, "{date_short_pretty} {time}", "", zone, nowMs())}`;
  return h("article", {
    class: `message${message.ephemeral_for ? " ephemeral" : ""}${grouped ? " grouped" : ""}${isApp ? " from-app" : ""}`,
    tabindex: "-1", "aria-label": label, dataset: { key: keyOf(message) },
  },
  message.ephemeral_for ? h("div", { class: "only-you" }, h("span", { "aria-hidden": "true" }, "◉ "), "Only visible to you") : null,
  h("div", { class: "gutter" }, grouped
    ? h("time", { class: "small-time", title: fullDate(ms, zone) }, timeOfDay(ms, zone)) : avatar(message.user)),
  h("div", { class: "message-body" },
    grouped ? null : h("div", { class: "byline" },
      h("strong", {}, nameOf(message.user)), isApp ? h("span", { class: "badge" }, "APP") : null,
      h("time", { class: "muted", title: `${fullDate(ms, zone)} (${zone})`, datetime: new Date(ms).toISOString() }, timeOfDay(ms, zone))),
    content,
    message.files.map(file),
    message.edited_ts && !message.ephemeral_for ? h("span", { class: "muted edited" }, "(edited)") : null,
    replies.length ? h("button", {
      type: "button", class: "link replies", dataset: { focus: `${keyOf(message)}/replies` }, onclick: () => openThread(message),
    }, `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`) : null),
  tools(message, inThread));
}

function dayDivider(ms) {
  const zone = me().tz;
  const word = relativeDay(ms, zone, nowMs());
  const text = word ? word.charAt(0).toUpperCase() + word.slice(1) : slackDate(ms / 1000, "{date_long}", "", zone, nowMs());
  return h("div", { class: "day", role: "separator", "aria-label": text }, h("span", {}, text));
}

// Everything a list shows, from nothing.
export function listNodes(messages, inThread) {
  const zone = me().tz;
  const dayOf = (message) => slackDate(msOf(message) / 1000, "{date_num}", "", zone, 0);
  return messages.flatMap((message, index) => {
    const before = messages[index - 1];
    const newDay = !before || dayOf(before) !== dayOf(message);
    return [newDay && !inThread ? dayDivider(msOf(message)) : null, messageNode(message, newDay ? null : before, inThread)];
  });
}

const nearEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 120;

// A list that follows the feed: changes only what changed, keeps its place and the keyboard's.
export class MessageList {
  constructor(node, { inThread, messages, empty }) {
    this.node = node;
    this.inThread = inThread;
    this.messages = messages;
    this.empty = empty;
  }

  rebuild({ toEnd = true } = {}) {
    const messages = this.messages();
    const top = this.node.scrollTop;
    refill(this.node, this.empty?.(messages.length), ...listNodes(messages, this.inThread));
    this.node.scrollTop = toEnd ? this.node.scrollHeight : top;
  }

  find(message) {
    return [...this.node.querySelectorAll(".message")].find((node) => node.dataset.key === keyOf(message));
  }

  added(message) {
    const messages = this.messages();
    if (!messages.some((known) => sameMessage(known, message))) return;
    const stick = nearEnd(this.node) || message.user === store.me || message.ephemeral_for === store.me;
    this.rebuild({ toEnd: stick });
  }

  changed(message) {
    const old = this.find(message);
    if (!old) return;
    const messages = this.messages();
    const at = messages.findIndex((known) => sameMessage(known, message));
    const stick = nearEnd(this.node);
    swap(old, messageNode(message, old.classList.contains("grouped") ? messages[at - 1] : null, this.inThread));
    if (stick) this.node.scrollTop = this.node.scrollHeight;
  }
}

const unescaped = (text) => text.replace(/<!date\^[^|>]*\|([^>]*)>/g, "$1").replace(/<[^|>]*\|([^>]*)>/g, "$1");

export function announceMessage(message) {
  if (!isMine(message) || message.user === store.me) return;
  const whom = message.ephemeral_for ? " (only visible to you)" : "";
  announce(`${nameOf(message.user)}${whom}: ${unescaped(message.text).slice(0, 400)}`);
}

export function forgetChoices(message) {
  for (const key of chosen.keys()) if (key.startsWith(`${keyOf(message)}/`)) chosen.delete(key);
}

