// Forms (modals): the one on top of the acting person's stack, with what is filled in, errors, and its ways out.

import { h, refill, toast } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { post } from "./feed.js";
import { textObject } from "./mrkdwn.js";
import { on, store } from "./store.js";

let dialog = null;
let shown = null; // {id, hash, values}

const drafts = new Map(); // view id → {block_id: {action_id: value}}

const VALUE_FIELDS = ["value", "selected_option", "selected_options", "selected_user", "selected_users",
  "selected_conversation", "selected_conversations", "selected_channel", "selected_channels", "selected_date",
  "selected_time", "selected_date_time"];

export function topView() {
  const mine = [...store.views.values()].filter((view) => view.user === store.me);
  return mine.at(-1) || null;
}

function stateValue(view, block, element) {
  const filled = view.state.values[block.block_id]?.[element.action_id];
  const name = filled && VALUE_FIELDS.find((field) => field in filled);
  return name ? filled[name] : undefined;
}

export function surfaceOfView(view) {
  const values = drafts.get(view.id) || {};
  drafts.set(view.id, values);
  return {
    form: true,
    errorOf: (blockId) => view.errors?.[blockId],
    get: (block, element) => values[block.block_id]?.[element.action_id] ?? stateValue(view, block, element) ?? undefined,
    set(block, element, value) {
      (values[block.block_id] ||= {})[element.action_id] = value;
    },
    async act(block, element, value) {
      const answer = await post("click", {
        user: store.me, view_id: view.id, values, block_id: block.block_id, action_id: element.action_id, value,
      });
      if (answer.error) toast(answer.error);
    },
  };
}

function leave() {
  const old = dialog;
  dialog = null;
  shown = null;
  old?.close();
  old?.remove();
}

export function showModal() {
  const view = topView();
  if (!view) {
    if (dialog) leave();
    return;
  }
  if (!dialog) {
    dialog = h("dialog", {
      class: "modal", "aria-labelledby": "modal-title",
      oncancel: (event) => { event.preventDefault(); closeTop(); },
    });
    document.body.append(dialog);
    dialog.showModal();
  }
  const fresh = shown?.id !== view.id;
  shown = { id: view.id };
  const stacked = Boolean(view.previous_view_id && store.views.has(view.previous_view_id));
  refill(dialog, form(view, stacked));
  if (fresh) dialog.querySelector("[autofocus], .modal-body input, .modal-body select, .modal-body textarea, .modal-body button")?.focus();
  else if (Object.keys(view.errors || {}).length) dialog.querySelector("[aria-invalid]")?.focus();
}

function form(view, stacked) {
  const trouble = h("p", { class: "form-trouble", role: "alert" });
  const submit = view.submit ? h("button", { type: "submit", class: "b-button primary filled" }, textObject(view.submit)) : null;
  return h("form", {
    novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      if (!submit || submit.disabled) return;
      submit.disabled = true;
      submit.classList.add("busy");
      const answer = await post("submit", { user: store.me, view_id: view.id, values: drafts.get(view.id) || {} });
      submit.disabled = false;
      submit.classList.remove("busy");
      trouble.textContent = answer.error || "";
    },
  },
  h("header", {},
    stacked ? h("button", { type: "button", class: "icon", "aria-label": "Back", onclick: () => close(view, false) }, "‹") : null,
    h("h2", { id: "modal-title" }, textObject(view.title)),
    h("button", { type: "button", class: "icon", "aria-label": "Close", onclick: () => close(view, true) }, "×")),
  h("div", { class: "modal-body", tabindex: "-1" }, renderBlocks(view.blocks, surfaceOfView(view)), trouble),
  h("footer", {},
    h("button", { type: "button", class: "b-button", onclick: () => close(view, false) },
      view.close ? textObject(view.close) : submit ? "Cancel" : "Close"),
    submit));
}

const closing = new Set(); // Escape in a date field is told twice

async function close(view, wholeStack) {
  if (closing.has(view.id)) return;
  closing.add(view.id);
  const answer = await post("close_view", { user: store.me, view_id: view.id, whole_stack: wholeStack });
  closing.delete(view.id);
  if (answer.error) toast(answer.error);
}

function closeTop() {
  const view = topView();
  if (view) close(view, false);
}

on("everything view_opened view_closed me", showModal);
on("view_updated", (change) => { if (change.view.type === "modal") showModal(); });
on("view_closed", (change) => drafts.delete(change.view_id));
