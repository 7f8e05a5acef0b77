// Puts the page together: header, lists, thread, home tab, shortcuts, theme, drawers, connection.

import { byId, h, lock, refill, toast } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { Composer } from "./composer.js";
import { buildTries, startDock, toggleDock } from "./dock.js";
import { follow } from "./feed.js";
import "./inspector.js";
import { closeMenu, openMenu } from "./menus.js";
import { MessageList, announceMessage, forgetChoices } from "./messages.js";
import { surfaceOfView } from "./modals.js";
import { markRead, showSidebar } from "./sidebar.js";
import { openTab, take, useShortcut } from "./steps.js";
import {
  apply, channelLabel, channelMessages, closeThread, go, here, isAppDm, isMine, me, on, store, openThread, threadMessages,
} from "./store.js";
import { STARTS } from "./tries.js";

const wide = matchMedia("(min-width: 1001px)").matches;
const channelList = new MessageList(byId("messages"), {
  inThread: false,
  messages: () => channelMessages(store.place.channel),
  empty: (count) => beginning(count),
});
const threadList = new MessageList(byId("thread-messages"), {
  inThread: true,
  messages: () => (store.thread ? threadMessages(store.thread.channel, store.thread.ts) : []),
});
const composer = new Composer(byId("composer"), () => (store.place.tab === "messages" ? { channel: store.place.channel } : null), "composer");
const reply = new Composer(byId("thread-composer"), () => store.thread && { channel: store.thread.channel, thread_ts: store.thread.ts }, "reply");

function beginning(count) {
  const channel = here();
  const command = store.app.commands[0];
  const app = isAppDm(channel);
  return h("div", { class: "beginning" },
    h("h2", {}, app ? store.app.name : signed(channel)),
    h("p", {}, app ? store.app.description : ["This is the beginning of ", signed(channel), "."]),
    count < 3 && command ? [
      h("p", { class: "muted" }, "Type ", h("code", {}, `${command.command} ${(command.usage_hint || "").split(",")[0]}`), " and press Enter, or begin with one of these:"),
      h("div", { class: "b-actions" }, STARTS.map((item) => h("button", { type: "button", class: "b-button", onclick: () => takeUp(item) }, item.start))),
    ] : null);
}

const signed = (channel) => h("span", {}, channel.kind === "im" ? null : channel.kind === "private" ? lock() : "#", channelLabel(channel));

function showHeader() {
  const channel = here();
  const im = channel.kind === "im";
  refill(byId("place-name"), im ? null : channel.kind === "private" ? lock() : "# ", channelLabel(channel));
  const notes = [];
  if (channel.is_ext_shared) notes.push("Shared with another company (Slack Connect)");
  if (channel.is_archived) notes.push("Archived");
  if (!im && !channel.members.includes(store.app.user_id)) notes.push(`${store.app.name} is not in this channel`);
  if (!im && !notes.length) notes.push(`${channel.members.length} members`);
  byId("place-note").textContent = notes.join(" · ");
  const tabs = isAppDm(channel) ? [...(store.app.home_tab ? ["home"] : []), "messages", "about"] : [];
  refill(byId("tabs"), tabs.map((name) => h("button", {
    type: "button", role: "tab", class: "tab", "aria-selected": String(store.place.tab === name), dataset: { focus: `tab/${name}` },
    onclick: () => openTab(name),
  }, name.charAt(0).toUpperCase() + name.slice(1))));
  byId("tabs").hidden = !tabs.length;
  document.title = `${channelLabel(channel)} · Recordings sandbox`;
}

function showSheet() {
  const sheet = byId("sheet");
  const { tab } = store.place;
  sheet.hidden = tab === "messages";
  byId("messages").hidden = tab !== "messages";
  byId("writing").hidden = tab !== "messages";
  if (tab === "home") {
    const view = store.homes.get(store.me);
    refill(sheet, view ? renderBlocks(view.blocks, surfaceOfView(view))
      : h("p", { class: "muted" }, `${store.app.name} has not published its home tab yet.`));
  } else if (tab === "about") refill(sheet, about());
}

function about() {
  const { app } = store;
  return [h("h2", {}, app.name), h("p", {}, app.long_description || app.description),
    h("h3", {}, "Commands"),
    h("ul", {}, app.commands.map((one) => h("li", {}, h("code", {}, `${one.command} ${one.usage_hint || ""}`), ` ${one.description}`))),
    app.shortcuts.length ? h("h3", {}, "Shortcuts") : null,
    app.shortcuts.length ? h("ul", {}, app.shortcuts.map((one) => h("li", {}, h("strong", {}, one.name), ` ${one.description || ""}`))) : null];
}

function showThread() {
  const open = Boolean(store.thread);
  byId("thread").hidden = !open;
  document.body.classList.toggle("with-thread", open);
  if (!open) return;
  const channel = store.channels.get(store.thread.channel);
  refill(byId("thread-place"), signed(channel));
  threadList.rebuild();
  reply.place();
}

function showEverything() {
  if (!me()) return;
  closeMenu();
  markRead(here());
  showHeader();
  showSheet();
  channelList.rebuild();
  composer.place();
  showThread();
  document.body.classList.remove("loading", "drawer-open");
}

function shortcuts() {
  const opener = byId("shortcuts");
  const declared = store.app.shortcuts.filter((shortcut) => shortcut.type === "global");
  const commands = store.app.commands.map((one) => ({
    label: one.command, hint: one.description, run: () => composer.fill(`${one.command} `),
  }));
  openMenu(opener, [
    { heading: "Shortcuts" },
    ...declared.map((one) => ({
      label: one.name, hint: one.description, run: () => useShortcut(one),
    })),
    ...(declared.length ? [] : [{ heading: "The app declares none yet." }]),
    { heading: "Commands" },
    ...commands,
  ]);
}

function takeUp(item) {
  if (matchMedia("(max-width: 1000px)").matches) toggleDock(false);
  take(item, composer, reply);
}

const BEFORE_TOLD_MS = 700;

// An answer in a thread that is not open is easy to miss.
function tellOfThread(message) {
  const isReply = message.thread_ts && message.thread_ts !== message.ts;
  if (!isReply || message.user !== store.app.user_id || !isMine(message)) return;
  setTimeout(() => {
    if (store.thread?.ts === message.thread_ts) return;
    toast(`${store.app.name} answered in a thread.`, {
      label: "Show",
      action() {
        if (store.place.channel !== message.channel) go({ channel: message.channel });
        openThread(message);
      },
    });
  }, BEFORE_TOLD_MS);
}

const THEMES = ["auto", "light", "dark"];

function useTheme(theme) {
  localStorage.setItem("theme", theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId("theme").textContent = { auto: "◐", light: "○", dark: "●" }[theme];
  byId("theme").setAttribute("aria-label", `Theme: ${theme}. Change`);
  byId("theme").title = `Theme: ${theme}`;
}

function drawer(open) {
  document.body.classList.toggle("drawer-open", open);
  byId("drawer-toggle").setAttribute("aria-expanded", String(open));
}

function onConnection(connected) {
  if (store.connected === connected) return;
  store.connected = connected;
  byId("offline").hidden = connected;
}

on("everything place me", showEverything);
on("everything", () => { if (document.activeElement === document.body && wide) composer.box.focus(); });
on("thread", showThread);
on("message_added ephemeral_added", ({ message }) => {
  if (message.channel === store.place.channel) markRead(here());
  channelList.added(message);
  threadList.added(message);
  announceMessage(message);
  tellOfThread(message);
  if (message.thread_ts) channelList.rebuild({ toEnd: false });
});
on("message_changed ephemeral_changed", ({ message }) => {
  forgetChoices(message);
  channelList.changed(message);
  threadList.changed(message);
  announceMessage(message);
});
on("message_deleted ephemeral_deleted", () => {
  channelList.rebuild({ toEnd: false });
  if (store.thread) threadList.rebuild({ toEnd: false });
});
on("clock", (change) => {
  if (!change.pushed) return;
  channelList.rebuild({ toEnd: false });
  if (store.thread) threadList.rebuild({ toEnd: false });
});
on("channel_added", () => { showHeader(); composer.place(); });
on("home_published view_updated", ({ view }) => { if (view.type === "home" && view.user === store.me) showSheet(); });

byId("shortcuts").addEventListener("click", shortcuts);
byId("thread-close").addEventListener("click", closeThread);
byId("theme").addEventListener("click", () => useTheme(THEMES[(THEMES.indexOf(localStorage.getItem("theme") || "auto") + 1) % THEMES.length]));
byId("drawer-toggle").addEventListener("click", () => drawer(!document.body.classList.contains("drawer-open")));
byId("scrim").addEventListener("click", () => { drawer(false); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (document.body.classList.contains("drawer-open")) drawer(false);
  else if (store.thread) { closeThread(); composer.box.focus(); }
});

useTheme(localStorage.getItem("theme") || "auto");
toggleDock(wide && localStorage.getItem("dock") !== "closed");
buildTries(takeUp);
startDock();
follow(apply, onConnection);
showSidebar();
