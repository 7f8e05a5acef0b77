// A menu that opens at a button: arrow keys move, Enter chooses, Escape closes.

import { h } from "./dom.js";

let open = null;

export function closeMenu() {
  if (!open) return;
  const { node, opener } = open;
  open = null;
  const within = node.contains(document.activeElement);
  node.remove();
  opener.setAttribute("aria-expanded", "false");
  if (within) opener.focus({ preventScroll: true });
}

// `items`: {label, hint?, run} or {heading}.
export function openMenu(opener, items) {
  const again = open?.opener === opener;
  closeMenu();
  if (again) return;
  const node = h("div", { class: "menu", role: "menu" }, items.map((item) => (item.heading
    ? h("div", { class: "menu-heading", role: "presentation" }, item.heading)
    : h("button", {
      type: "button", role: "menuitem", tabindex: "-1",
      onclick: () => { closeMenu(); item.run(); },
    }, h("span", {}, item.label), item.hint ? h("small", {}, item.hint) : null))));
  node.addEventListener("keydown", (event) => {
    const entries = [...node.querySelectorAll("[role=menuitem]")];
    const at = entries.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      entries[(to + entries.length) % entries.length].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.stopPropagation();
      if (event.key === "Escape") event.preventDefault();
      closeMenu();
    }
  });
  (opener.closest("dialog") || document.body).append(node);
  place(node, opener);
  open = { node, opener };
  opener.setAttribute("aria-expanded", "true");
  node.querySelector("[role=menuitem]")?.focus({ preventScroll: true });
}

function place(node, opener) {
  const at = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = node;
  const left = Math.max(8, Math.min(at.right - width, innerWidth - width - 8));
  const below = at.bottom + 4;
  const top = below + height > innerHeight - 8 ? Math.max(8, at.top - height - 4) : below;
  node.style.left = `${left}px`;
  node.style.top = `${top}px`;
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.node.contains(event.target) && !open.opener.contains(event.target)) closeMenu();
});
