// Questions that Slack asks before a click counts.

import { h } from "./dom.js";
import { textObject } from "./mrkdwn.js";

// Resolves to whether the person confirmed.
export function confirmDialog(confirm) {
  return new Promise((resolve) => {
    let answer = false;
    const say = (value) => { answer = value; dialog.close(); };
    const dialog = h("dialog", {
      class: "modal small", "aria-labelledby": "confirm-title",
      onclose: () => { dialog.remove(); resolve(answer); },
    },
    h("header", {}, h("h2", { id: "confirm-title" }, textObject(confirm.title))),
    h("div", { class: "modal-body" }, textObject(confirm.text)),
    h("footer", {},
      h("button", { type: "button", class: "b-button", onclick: () => say(false) }, textObject(confirm.deny)),
      h("button", {
        type: "button", class: `b-button ${confirm.style === "danger" ? "danger filled" : "primary"}`, onclick: () => say(true),
      }, textObject(confirm.confirm))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
