// The box one writes in: slash commands with completion and usage hint, recall of what was sent before.

import { h, toast } from "./dom.js";
import { post } from "./feed.js";
import { channelLabel, nameOf, store } from "./store.js";

const sent = new Map(); // what each person sent, newest last

const BUILT_IN = [{ command: "/invite", description: "Add the app to this channel", usage_hint: "@app" }];

const commandOption = (one) => ({
  title: one.command, usage: one.usage_hint || "", note: one.description, text: `${one.command} `,
});

// What an @ at the end of the text may become.
function mentionOptions(text) {
  const found = /(?:^|\s)@(\w*)$/.exec(text);
  if (!found) return [];
  const typed = found[1].toLowerCase();
  const before = text.slice(0, text.length - found[1].length);
  return [...store.people.values()]
    .map((person) => ({ person, name: nameOf(person.id) }))
    .filter(({ name }) => name.toLowerCase().startsWith(typed))
    .sort((a, b) => Number(b.person.is_bot) - Number(a.person.is_bot))
    .map(({ person, name }) => ({
      title: `@${name}`, usage: "", note: person.is_bot ? "App" : person.tz, text: `${before}${name} `,
    }));
}

export class Composer {
  // `where` answers {channel, thread_ts?}, or null where nothing can be written.
  constructor(node, where, name) {
    this.where = where;
    this.name = name;
    this.recalled = 0;
    this.options = [];
    this.picked = 0;
    const id = `${name}-commands`;
    this.list = h("ul", { class: "completions", role: "listbox", id, "aria-label": "Suggestions", hidden: true });
    this.hint = h("div", { class: "usage", id: `${name}-usage`, hidden: true });
    this.box = h("textarea", {
      id: `${name}-box`, rows: 1, role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id,
      "aria-describedby": `${name}-usage`, autocapitalize: "off", spellcheck: "false",
      oninput: () => this.typed(), onkeydown: (event) => this.key(event), onblur: () => setTimeout(() => this.offer([]), 150),
    });
    this.button = h("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send" }, "➤");
    this.state = h("div", { class: "sending", role: "status" });
    this.form = h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); this.send(); } },
      this.list, this.hint, h("div", { class: "composer-box" }, this.box, this.button), this.state);
    node.replaceChildren(this.form);
  }

  place() {
    const at = this.where();
    const channel = at && store.channels.get(at.channel);
    this.form.hidden = !channel;
    if (!channel) return;
    const label = channel.kind === "im" ? channelLabel(channel) : `#${channelLabel(channel)}`;
    const closed = this.reasonToBeClosed(channel);
    this.box.disabled = Boolean(closed);
    this.button.disabled = Boolean(closed);
    this.box.placeholder = closed || (at.thread_ts ? "Reply…" : `Message ${label}`);
    this.box.setAttribute("aria-label", at.thread_ts ? "Reply in thread" : `Message ${label}`);
  }

  reasonToBeClosed(channel) {
    if (channel.is_archived) return "This channel is archived.";
    if (!channel.members.includes(store.me)) return "You are not a member of this channel.";
    return "";
  }

  fill(text) {
    this.box.value = text;
    this.box.focus();
    this.typed();
  }

  typed() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 200)}px`;
    const text = this.box.value;
    const known = [...store.app.commands, ...BUILT_IN];
    const [word] = text.split(/\s/, 1);
    const typing = /^\/\S*$/.test(text);
    this.offer(typing ? known.filter((one) => one.command.startsWith(text)).map(commandOption) : mentionOptions(text));
    const command = !typing && known.find((one) => one.command === word);
    this.hint.hidden = !command;
    if (command) {
      this.hint.replaceChildren(h("strong", {}, command.command), ` ${command.usage_hint || ""}`,
        h("span", { class: "muted" }, ` · ${command.description}`));
    }
  }

  offer(options) {
    this.options = options;
    this.picked = 0;
    this.list.hidden = !options.length;
    this.box.setAttribute("aria-expanded", String(options.length > 0));
    this.list.replaceChildren(...options.map((one, index) => h("li", {
      role: "option", id: `${this.name}-option-${index}`, "aria-selected": String(index === 0),
      onpointerdown: (event) => { event.preventDefault(); this.fill(one.text); },
    }, h("strong", {}, one.title), h("span", {}, ` ${one.usage}`), h("small", {}, one.note))));
    this.pick(0);
  }

  pick(index) {
    if (!this.options.length) {
      this.box.removeAttribute("aria-activedescendant");
      return;
    }
    this.picked = (index + this.options.length) % this.options.length;
    [...this.list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === this.picked)));
    this.box.setAttribute("aria-activedescendant", `${this.name}-option-${this.picked}`);
  }

  key(event) {
    if (event.isComposing) return;
    const offered = this.options[this.picked];
    if (offered && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.pick(this.picked + (event.key === "ArrowDown" ? 1 : -1));
    } else if (offered && (event.key === "Tab" || (event.key === "Enter" && this.box.value !== offered.title))) {
      event.preventDefault();
      this.fill(offered.text);
    } else if (offered && event.key === "Escape") {
      event.stopPropagation();
      this.offer([]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") this.recall(event);
  }

  recall(event) {
    const before = sent.get(store.me) || [];
    const untouched = this.box.value === "" || (this.recalled > 0 && this.box.value === before.at(-this.recalled));
    const next = this.recalled + (event.key === "ArrowUp" ? 1 : -1);
    if (!untouched || next < 0 || next > before.length) return;
    event.preventDefault();
    this.recalled = next;
    this.fill(next ? before.at(-next) : "");
    this.offer([]);
    this.box.setSelectionRange(this.box.value.length, this.box.value.length);
  }

  // Answers what the sandbox says of it.
  async send(text = this.box.value) {
    const at = this.where();
    if (!text.trim() || !at) return null;
    sent.set(store.me, [...(sent.get(store.me) || []).filter((one) => one !== text), text]);
    this.recalled = 0;
    this.box.value = "";
    this.typed();
    const where = { user: store.me, ...at };
    const [word] = text.split(/\s/, 1);
    if (word === "/invite") return this.invite(where);
    if (word.startsWith("/")) return this.command(where, word, text.slice(word.length).trim());
    return this.write(where, text);
  }

  async command(where, command, text) {
    this.state.textContent = `${command} ${text}`.trim();
    this.state.classList.add("on");
    const answer = await post("command", { ...where, command, text });
    this.state.textContent = "";
    this.state.classList.remove("on");
    if (!answer.ok) toast(answer.error);
    return answer;
  }

  async write(where, text) {
    const answer = await post("write", { ...where, text });
    if (answer.not_in_channel) {
      toast(`${store.app.name} is not in this channel.`, { label: "Invite", action: () => this.invite(where) });
    } else if (answer.error) toast(answer.error);
    return answer;
  }

  async invite({ user, channel }) {
    const answer = await post("invite", { user, channel });
    toast(answer.ok ? `${store.app.name} was added to this channel.` : answer.error);
    return answer;
  }
}
