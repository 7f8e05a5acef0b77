// What a line of "Try these" does when it is pressed.

import { toast } from "./dom.js";
import { post } from "./feed.js";
import { go, here, isAppDm, openThread, store, visibleChannels } from "./store.js";

const TRIAGE = "triage";

const canWrite = (channel) => !channel.is_archived && channel.members.includes(store.me);

// The message in #triage that tells of `about`, with its thread open; null where one cannot see it.
function openTold(about) {
  const channel = visibleChannels().find((one) => one.name === TRIAGE);
  const message = channel && store.messages.find(
    (one) => one.channel === channel.id && !one.thread_ts && one.text.includes(about));
  if (!message) {
    toast("This is about a message in #triage, which you do not see as this person.");
    return null;
  }
  go({ channel: channel.id });
  openThread(message);
  return message;
}

const declared = (type) => store.app.shortcuts.find((one) => one.type === type);

export async function useShortcut(shortcut, message) {
  const at = message ? { channel: message.channel, ts: message.ts } : {};
  const answer = await post("shortcut", { user: store.me, callback_id: shortcut.callback_id, ...at });
  if (answer.error) toast(answer.error);
}

export async function openTab(name) {
  const dm = visibleChannels().find(isAppDm);
  if (!dm) {
    toast(`${store.app.name} is not an app of your workspace.`);
    return;
  }
  go({ channel: dm.id, tab: name });
  if (name !== "about") await post("home", { user: store.me, tab: name });
}

async function sendInChannel(texts, composer) {
  if (store.place.tab !== "messages" || !canWrite(here())) {
    go({ channel: visibleChannels().find(canWrite).id });
  }
  for (const text of texts) {
    const answer = await composer.send(text);
    if (text.startsWith("@") && answer?.ts && !isAppDm(here())) openThread({ channel: store.place.channel, ts: answer.ts });
  }
}

export async function take(item, composer, reply) {
  const message = item.about ? openTold(item.about) : null;
  if (item.about && !message) return;
  if (item.shortcut) await useShortcut(declared(message ? "message" : "global"), message);
  else if (item.tab) await openTab(item.tab);
  else if (message) await reply.send(item.text);
  else await sendInChannel([item.text].flat(), composer);
}
