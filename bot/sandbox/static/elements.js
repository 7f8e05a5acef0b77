// Interactive elements: buttons, menus, pickers and inputs, in messages and in forms.
//
// `surface` says what they belong to:
//   act(block, element, value)   tells Slack of a click or a choice; resolves when it is acknowledged
//   get(block, element)          what is filled in now, or undefined
//   set(block, element, value)   fills something in
//   form                         whether inputs are sent off together instead of at once

import { h } from "./dom.js";
import { confirmDialog } from "./dialogs.js";
import { openMenu } from "./menus.js";
import { textObject, whereTo } from "./mrkdwn.js";
import { channelLabel, store, visibleChannels } from "./store.js";

const focusKey = (block, element) => `${block.block_id}/${element.action_id}`;

async function actOn(surface, block, element, value, node) {
  if (element.confirm && !(await confirmDialog(element.confirm))) return;
  node?.classList.add("busy");
  node?.setAttribute("aria-busy", "true");
  await surface.act(block, element, value);
  node?.classList.remove("busy");
  node?.removeAttribute("aria-busy");
}

function button(element, block, surface) {
  const style = element.style ? ` ${element.style}` : "";
  if (element.url) {
    const node = h("a", {
      class: `b-button${style}`, href: whereTo(element.url), title: element.url, target: "_blank",
      rel: "noopener noreferrer", "aria-label": element.accessibility_label,
      dataset: { focus: focusKey(block, element) },
      onclick: () => actOn(surface, block, element, undefined, node),
    }, textObject(element.text));
    return node;
  }
  const node = h("button", {
    type: "button", class: `b-button${style}`, "aria-label": element.accessibility_label,
    dataset: { focus: focusKey(block, element) },
    onclick: () => actOn(surface, block, element, undefined, node),
  }, textObject(element.text));
  return node;
}

function overflow(element, block, surface) {
  const node = h("button", {
    type: "button", class: "b-button overflow", "aria-haspopup": "menu", "aria-label": "More actions",
    dataset: { focus: focusKey(block, element) },
    onclick: () => openMenu(node, element.options.map((option) => ({
      label: textObject(option.text),
      hint: option.description?.text,
      run: () => {
        if (option.url && whereTo(option.url)) window.open(whereTo(option.url), "_blank", "noopener");
        return actOn(surface, block, element, option, node);
      },
    }))),
  }, "⋯");
  return node;
}

// In forms a value is kept until it is sent off; elsewhere, and where the app wants to know at once, it is sent.
function changed(surface, block, element, value, node) {
  surface.set(block, element, value);
  if (!surface.form || block.type !== "input" || block.dispatch_action) {
    actOn(surface, block, element, value, node);
  }
}

const optionsOf = (element) =>
  [...(element.options || []), ...(element.option_groups || []).flatMap((group) => group.options)];

const common = (element, block) => ({
  class: "control",
  dataset: { focus: focusKey(block, element) },
  autofocus: element.focus_on_load,
  "aria-label": block.type === "input" ? undefined : element.placeholder?.text || "Choose",
  id: block.type === "input" ? `i-${block.block_id}` : undefined,
});

function select(element, block, surface, groups, current) {
  const placeholder = element.placeholder?.text || "Choose an option";
  const node = h("select", {
    ...common(element, block),
    onchange: () => {
      const chosen = groups.flatMap((group) => group.options)[Number(node.value)];
      changed(surface, block, element, chosen ? chosen.value : null, node);
    },
  }, h("option", { value: "-1" }, placeholder));
  let index = 0;
  for (const group of groups) {
    const options = group.options.map((option) => h("option", { value: String(index++) }, option.label));
    node.append(...(group.label ? [h("optgroup", { label: group.label }, options)] : options));
  }
  const all = groups.flatMap((group) => group.options);
  node.value = String(all.findIndex((option) => current !== undefined && current !== null
    && JSON.stringify(option.value) === JSON.stringify(current)));
  return node;
}

const asChoices = (options) => options.map((option) => ({ label: option.text.text, value: option }));

function staticSelect(element, block, surface) {
  const groups = element.option_groups
    ? element.option_groups.map((group) => ({ label: group.label.text, options: asChoices(group.options) }))
    : [{ options: asChoices(element.options) }];
  return select(element, block, surface, groups, surface.get(block, element) ?? element.initial_option);
}

function listed(kind) {
  if (kind === "users") {
    return [...store.people.values()].map((person) => ({ label: person.real_name, value: person.id }));
  }
  const rooms = visibleChannels().filter((channel) => kind === "conversations" || channel.kind !== "im");
  return rooms.map((channel) => ({
    label: `${channel.kind === "im" ? "" : "#"}${channelLabel(channel)}`, value: channel.id,
  }));
}

const fromList = (kind, initial) => (element, block, surface) => {
  const usual = element.default_to_current_conversation ? store.place.channel : undefined;
  const current = surface.get(block, element) ?? element[initial] ?? usual;
  if (current !== undefined && surface.form) surface.set(block, element, current);
  return select(element, block, surface, [{ options: listed(kind) }], current);
};

// Several choices: a list that opens, with a box for each.
const several = (choicesOf, initial) => (element, block, surface) => {
  const choices = choicesOf(element);
  const isIn = (values, value) => values.some((one) => JSON.stringify(one) === JSON.stringify(value));
  let current = surface.get(block, element) ?? element[initial] ?? [];
  const summary = h("summary", { class: "control", dataset: { focus: focusKey(block, element) } });
  const show = () => {
    const names = choices.filter((choice) => isIn(current, choice.value)).map((choice) => choice.label);
    summary.textContent = names.join(", ") || element.placeholder?.text || "Choose options";
  };
  const boxes = choices.map((choice) => h("label", { class: "choice" }, h("input", {
    type: "checkbox", checked: isIn(current, choice.value),
    onchange: (event) => {
      const rest = current.filter((one) => JSON.stringify(one) !== JSON.stringify(choice.value));
      current = event.target.checked ? [...rest, choice.value] : rest;
      show();
      changed(surface, block, element, current);
    },
  }), h("span", {}, choice.label)));
  show();
  return h("details", { class: "multi" }, summary, h("div", { class: "multi-list" }, boxes));
};

const boxes = (type) => (element, block, surface) => {
  const many = type === "checkbox";
  const initial = many ? element.initial_options : element.initial_option;
  let current = surface.get(block, element) ?? initial ?? (many ? [] : null);
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const group = h("div", { class: "choices", role: many ? "group" : "radiogroup" });
  element.options.forEach((option, index) => group.append(h("label", { class: "choice" }, h("input", {
    type, name: focusKey(block, element), dataset: { focus: `${focusKey(block, element)}/${index}` },
    checked: many ? current.some((one) => same(one, option)) : same(current, option),
    onchange: (event) => {
      if (many) {
        const rest = current.filter((one) => !same(one, option));
        current = event.target.checked ? [...rest, option] : rest;
      } else current = option;
      changed(surface, block, element, current);
    },
  }), h("span", {}, textObject(option.text),
    option.description ? h("small", {}, textObject(option.description)) : null))));
  return group;
};

const field = (type, initial, options = {}) => (element, block, surface) => {
  const tag = element.multiline ? "textarea" : "input";
  const showEmpty = () => node.classList.toggle("empty", !node.value && Boolean(element.placeholder));
  const read = options.read || ((value) => value || null);
  const write = options.write || ((value) => value ?? "");
  const node = h(tag, {
    ...common(element, block),
    type: tag === "input" ? type : undefined,
    rows: element.multiline ? 4 : undefined,
    placeholder: element.placeholder?.text,
    minlength: element.min_length, maxlength: element.max_length,
    value: write(surface.get(block, element) ?? element[initial]),
    oninput: () => {
      surface.set(block, element, read(node.value));
      showEmpty();
    },
    onchange: () => {
      if (!surface.form || block.type !== "input" || (block.dispatch_action && type !== "text")) {
        changed(surface, block, element, read(node.value), node);
      }
    },
    onkeydown: (event) => {
      if (event.key === "Enter" && block.dispatch_action && !event.shiftKey) {
        event.preventDefault();
        changed(surface, block, element, read(node.value), node);
      }
    },
  });
  showEmpty();
  return node;
};

const moment = {
  read: (value) => (value ? Math.floor(new Date(value).getTime() / 1000) : null),
  write: (value) => (value ? new Date(value * 1000 - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : ""),
};

const ELEMENTS = {
  button,
  overflow,
  static_select: staticSelect,
  users_select: fromList("users", "initial_user"),
  conversations_select: fromList("conversations", "initial_conversation"),
  channels_select: fromList("channels", "initial_channel"),
  multi_static_select: several((element) => asChoices(optionsOf(element)), "initial_options"),
  multi_users_select: several(() => listed("users"), "initial_users"),
  multi_conversations_select: several(() => listed("conversations"), "initial_conversations"),
  multi_channels_select: several(() => listed("channels"), "initial_channels"),
  checkboxes: boxes("checkbox"),
  radio_buttons: boxes("radio"),
  plain_text_input: field("text", "initial_value"),
  email_text_input: field("email", "initial_value"),
  url_text_input: field("url", "initial_value"),
  number_input: field("number", "initial_value"),
  datepicker: field("date", "initial_date"),
  timepicker: field("time", "initial_time"),
  datetimepicker: field("datetime-local", "initial_date_time", moment),
  image: (element) => h("img", { class: "b-thumb", src: element.image_url, alt: element.alt_text }),
};

export function unknown(what) {
  return h("details", { class: "unknown" },
    h("summary", {}, `This page does not show “${what.type}” yet`), h("pre", {}, JSON.stringify(what, null, 2)));
}

export function renderElement(element, block, surface) {
  return (ELEMENTS[element.type] || unknown)(element, block, surface);
}

