// The left column: the workspace, its channels, the app, and who one acts as.

import { byId, h, lock, refill } from "./dom.js";
import { timeOfDay } from "./dates.js";
import { msOf, avatar } from "./messages.js";
import { actAs, channelLabel, channelMessages, go, isAppDm, me, nowMs, on, store, visibleChannels } from "./store.js";

const readKey = (channel) => `${store.me}/${channel.id}`;

export function markRead(channel) {
  if (!channel) return;
  const newest = channelMessages(channel.id).at(-1); // its time may be a moment ahead of this page's clock
  store.read.set(readKey(channel), Math.max(nowMs(), newest ? msOf(newest) : 0));
  localStorage.setItem("read", JSON.stringify([...store.read]));
}

function unread(channel) {
  if (!channel.members.includes(store.me)) return 0;
  const since = store.read.get(readKey(channel)) ?? 0;
  return channelMessages(channel.id).filter((m) => msOf(m) > since && m.user !== store.me).length;
}

const sign = (channel) => (channel.kind === "private" ? lock() : "#");

function kindOf(channel) {
  const kinds = [channel.kind === "private" ? "private channel" : "channel"];
  if (channel.is_ext_shared) kinds.push("shared with another company");
  if (channel.is_archived) kinds.push("archived");
  if (!channel.members.includes(store.app.user_id)) kinds.push(`${store.app.name} is not a member`);
  return kinds.join(", ");
}

function entry(channel) {
  const current = channel.id === store.place.channel;
  const count = current ? 0 : unread(channel);
  const im = channel.kind === "im";
  const note = channel.is_ext_shared ? "shared" : channel.is_archived ? "archived"
    : !im && !channel.members.includes(store.app.user_id) ? "no app" : "";
  return h("li", {}, h("button", {
    type: "button", class: `room${current ? " current" : ""}${count ? " unread" : ""}`,
    "aria-current": current ? "page" : undefined, title: im ? undefined : kindOf(channel),
    dataset: { focus: `room/${channel.id}`, channel: channel.id },
    onclick: () => go({ channel: channel.id }),
  },
  im ? avatar(channel.members.find((id) => id !== store.me) || store.me) : h("span", { class: "sign", "aria-hidden": "true" }, sign(channel)),
  h("span", { class: "room-name" }, channelLabel(channel)),
  isAppDm(channel) ? h("span", { class: "badge" }, "APP") : null,
  note ? h("span", { class: "note" }, note) : null,
  count ? h("span", { class: "count", "aria-label": `${count} new` }, String(count)) : null));
}

export function showSidebar() {
  if (!me()) return;
  const rooms = visibleChannels();
  refill(byId("rooms"), rooms.filter((channel) => channel.kind !== "im").map(entry));
  refill(byId("people-rooms"), rooms.filter((c) => c.kind === "im" && !isAppDm(c)).map(entry));
  refill(byId("app-rooms"), rooms.filter(isAppDm).map(entry));
  for (const list of document.querySelectorAll("#sidebar ul")) list.previousElementSibling.hidden = !list.children.length;
  showPeople();
}

function showPeople() {
  const choice = byId("act-as");
  const people = [...store.people.values()].filter((person) => !person.is_bot);
  choice.replaceChildren(...people.map((person) => h("option", { value: person.id }, person.real_name)));
  choice.value = store.me;
  byId("my-avatar").replaceChildren(avatar(store.me));
  showTime();
}

export function showTime() {
  const person = me();
  if (!person) return;
  byId("my-zone").textContent = person.tz;
  byId("my-time").textContent = timeOfDay(nowMs(), person.tz, { seconds: true });
}

byId("act-as").addEventListener("change", (event) => actAs(event.target.value));
on("everything place me channel_added message_added ephemeral_added message_deleted", showSidebar);
setInterval(showTime, 1000);
