// Everything the page knows, and how each change of the feed alters it.

export const store = {
  app: { name: "", commands: [], shortcuts: [] },
  people: new Map(),
  channels: new Map(),
  messages: [],
  views: new Map(),
  homes: new Map(),
  inspected: [],
  switches: [],
  recordings: {},
  socketMode: true,
  connections: 0,
  botRunning: true,
  clock: { nowMs: Date.now(), atMs: Date.now(), rate: 1 },
  connected: false,
  me: localStorage.getItem("me") || "U0ASKER1",
  place: { channel: localStorage.getItem("channel") || "C0GENERAL1", tab: "messages" },
  thread: null,
  read: new Map(JSON.parse(localStorage.getItem("read") || "[]")), // who/where → until when, in ms
};

const listeners = new Map();

export function on(kinds, listener) {
  for (const kind of kinds.split(" ")) {
    listeners.set(kind, [...(listeners.get(kind) || []), listener]);
  }
}

export function tell(kind, detail) {
  for (const listener of listeners.get(kind) || []) listener(detail);
}

export const nowMs = () => store.clock.nowMs + (Date.now() - store.clock.atMs) * store.clock.rate;
export const me = () => store.people.get(store.me);
export const here = () => store.channels.get(store.place.channel);
export const sameMessage = (a, b) => a.channel === b.channel && a.ts === b.ts;

const byTs = (a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);

// The order of timestamps is that of their text: seconds have ten digits, fractions six.
function put(message) {
  const at = store.messages.findIndex((known) => sameMessage(known, message));
  if (at >= 0) store.messages[at] = message;
  else {
    store.messages.push(message);
    if (store.messages.length > 1 && byTs(store.messages.at(-2), message) > 0) store.messages.sort(byTs);
  }
}

const APPLY = {
  everything(change) {
    store.app = change.app;
    store.people = new Map(change.people.map((person) => [person.id, person]));
    store.channels = new Map(change.channels.map((channel) => [channel.id, channel]));
    store.messages = [...change.messages].sort(byTs);
    store.views = new Map(change.views.map((view) => [view.id, view]));
    store.homes = new Map(change.homes.map((view) => [view.user, view]));
    store.inspected = change.inspected;
    store.switches = change.switches;
    store.socketMode = change.socket_mode;
    store.connections = change.connections;
    APPLY.clock(change);
    if (!store.people.has(store.me)) store.me = "U0ASKER1";
    if (!visibleChannels().some((channel) => channel.id === store.place.channel)) {
      store.place = { channel: visibleChannels()[0].id, tab: "messages" };
    }
  },
  clock(change) {
    store.clock = { nowMs: change.now * 1000, atMs: Date.now(), rate: change.rate };
    if (change.recordings) store.recordings = change.recordings;
  },
  message_added: (change) => put(change.message),
  message_changed: (change) => put(change.message),
  ephemeral_added: (change) => put(change.message),
  ephemeral_changed: (change) => put(change.message),
  message_deleted: forget,
  ephemeral_deleted: forget,
  channel_added: (change) => store.channels.set(change.channel.id, change.channel),
  view_opened: (change) => store.views.set(change.view.id, change.view),
  view_updated(change) {
    if (change.view.type === "home") store.homes.set(change.view.user, change.view);
    else store.views.set(change.view.id, change.view);
  },
  view_closed: (change) => store.views.delete(change.view_id),
  home_published: (change) => store.homes.set(change.view.user, change.view),
  inspected(change) {
    store.inspected.push(change.entry);
    if (store.inspected.length > 150) store.inspected.shift();
  },
  switches: (change) => { store.switches = change.switches; },
  socket_opened: (change) => { store.connections = change.connections; },
  socket_closed: (change) => { store.connections = change.connections; },
  bot(change) {
    store.botRunning = change.running;
    store.socketMode = change.socket_mode;
  },
};

function forget(change) {
  store.messages = store.messages.filter((message) => !sameMessage(message, change));
}

export function apply(change) {
  APPLY[change.type]?.(change);
  tell(change.type, change);
}

export function visibleChannels() {
  return [...store.channels.values()].filter((channel) => {
    if (channel.members.includes(store.me)) return true;
    return channel.kind === "public" && me()?.team_id === store.people.get(store.app.user_id)?.team_id;
  });
}

export function isAppDm(channel) {
  return channel?.kind === "im" && channel.members.includes(store.app.user_id);
}

export function channelLabel(channel) {
  if (channel.kind !== "im") return channel.name;
  const other = channel.members.find((id) => id !== store.me) || store.me;
  return nameOf(other);
}

export function nameOf(id) {
  if (id === store.app.user_id) return store.app.name;
  if (id === "USLACKBOT") return "Slackbot";
  return store.people.get(id)?.real_name || id;
}

export const isMine = (message) => !message.ephemeral_for || message.ephemeral_for === store.me;

export function channelMessages(channelId) {
  return store.messages.filter(
    (m) => m.channel === channelId && isMine(m) && (!m.thread_ts || m.thread_ts === m.ts));
}

export function threadMessages(channelId, ts) {
  return store.messages.filter(
    (m) => m.channel === channelId && isMine(m) && (m.ts === ts || m.thread_ts === ts));
}

export function repliesTo(message) {
  return store.messages.filter(
    (m) => m.channel === message.channel && m.thread_ts === message.ts && m.ts !== message.ts && !m.ephemeral_for);
}

export function go(place) {
  store.place = { tab: "messages", ...place };
  store.thread = null;
  localStorage.setItem("channel", store.place.channel);
  tell("place");
}

export function actAs(user) {
  store.me = user;
  localStorage.setItem("me", user);
  store.thread = null;
  const wasDm = store.place.channel.startsWith("D");
  if (wasDm || !visibleChannels().some((channel) => channel.id === store.place.channel)) {
    const dm = visibleChannels().find(isAppDm);
    store.place = { channel: wasDm && dm ? dm.id : visibleChannels()[0].id, tab: "messages" };
  }
  tell("me");
}

export function openThread(message) {
  store.thread = { channel: message.channel, ts: message.thread_ts || message.ts };
  tell("thread");
}

export function closeThread() {
  store.thread = null;
  tell("thread");
}
