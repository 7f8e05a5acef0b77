// The right column: commands to try, switches for what can go wrong, the clock; and the inspector's tab.

import { byId, h, refill, toast } from "./dom.js";
import { slackDate } from "./dates.js";
import { post } from "./feed.js";
import { me, nowMs, on, store } from "./store.js";
import { PACES, PUSHES, TRIES } from "./tries.js";

const act = async (action, body) => {
  const answer = await post(action, body);
  if (answer.error) toast(answer.error);
};

const button = (label, key, run) => h("button", {
  type: "button", class: "b-button", dataset: { focus: key },
  onclick: async (event) => {
    const node = event.currentTarget;
    node.disabled = true;
    await run();
    node.disabled = false;
  },
}, label);

export function buildTries(run) {
  byId("tries").replaceChildren(...TRIES.map((group) => h("section", {},
    h("h3", {}, group.group),
    h("ul", {}, group.items.map((item) => h("li", {}, h("button", {
      type: "button", class: "try", onclick: () => run(item),
    }, h(item.label && !item.text ? "strong" : "code", {}, item.label || item.text.replace(/^\/recordings /, "")),
    h("small", {}, item.hint))))))));
}

function showSwitches() {
  refill(byId("switches"), store.switches.map((one) => h("label", { class: "switch" },
    h("input", {
      type: "checkbox", role: "switch", checked: one.on, dataset: { focus: `switch/${one.name}` },
      onchange: (event) => act("switch", { name: one.name, on: event.target.checked }),
    }),
    h("span", {}, one.label, h("small", {}, one.hint)))));
}

function showConnection() {
  const state = !store.botRunning ? "The bot is restarting…"
    : store.socketMode ? `Socket Mode · ${store.connections} connection${store.connections === 1 ? "" : "s"}` : "Signed HTTP";
  refill(byId("bot-state"), h("span", { class: `dot ${store.botRunning && (!store.socketMode || store.connections) ? "good" : "bad"}` }), state);
  refill(byId("bot-tools"),
    store.socketMode ? button("Drop the socket", "bot/drop", () => act("drop_socket")) : null,
    button("Restart the bot", "bot/restart", () => act("restart")),
    button(store.socketMode ? "Use signed HTTP" : "Use Socket Mode", "bot/transport",
      () => act("transport", { socket_mode: !store.socketMode })));
}

function showClock() {
  if (!me()) return;
  byId("clock-now").textContent = slackDate(nowMs() / 1000, "{date_long} {time_secs}", "", me().tz, nowMs());
  const { 1: starting = 0, 2: ongoing = 0, 5: paused = 0 } = store.recordings;
  byId("recordings-now").textContent = `${ongoing} recording, ${paused} paused, ${starting} starting`;
}

function showPace() {
  refill(byId("pace"), PACES.map((rate) => h("label", { class: "pace" }, h("input", {
    type: "radio", name: "pace", checked: store.clock.rate === rate, dataset: { focus: `pace/${rate}` },
    onchange: () => act("pace", { rate }),
  }), `${rate}×`)));
}

function showTab(name) {
  for (const tab of byId("dock").querySelectorAll("[role=tab]")) {
    const chosen = tab.dataset.panel === name;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    byId(tab.dataset.panel).hidden = !chosen;
  }
}

export function toggleDock(open) {
  const shown = open ?? document.body.classList.contains("dock-closed");
  document.body.classList.toggle("dock-closed", !shown);
  byId("dock-toggle").setAttribute("aria-expanded", String(shown));
  localStorage.setItem("dock", shown ? "open" : "closed");
}

export function startDock() {
  const tabs = [...byId("dock").querySelectorAll("[role=tab]")];
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => showTab(tab.dataset.panel));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(index + step + tabs.length) % tabs.length];
      showTab(next.dataset.panel);
      next.focus();
    });
  });
  showTab("try-panel");
  byId("pushes").replaceChildren(...PUSHES.map((push) => button(push.label, `push/${push.seconds}`,
    () => act("clock", { seconds: push.seconds }))));
  byId("dock-toggle").addEventListener("click", () => toggleDock());
  byId("dock-close").addEventListener("click", () => toggleDock(false));
  on("everything switches", showSwitches);
  on("everything bot socket_opened socket_closed", showConnection);
  on("everything clock me", showClock);
  on("everything clock", showPace);
  setInterval(showClock, 1000);
}
