// The pane behind the scenes: what no Slack shows. Three tabs: DBS, the ledger, the payloads.

import { drawDbs, dbsTab } from "./dbs.js";
import { fill, h, icon } from "./dom.js";
import { drawLedger, ledgerTab } from "./ledger.js";
import { drawWire, wireTab } from "./wire.js";

const pane = document.getElementById("behind");
const TABS = [
  { name: "dbs", label: "DBS", node: dbsTab, draw: drawDbs },
  { name: "ledger", label: "Ledger", node: ledgerTab, draw: drawLedger },
  { name: "wire", label: "Payloads", node: wireTab, draw: drawWire },
];

let chosen = "dbs";

const close = h("button", { type: "button", class: "plain", "aria-label": "Close", on: { click: () => showBehind(false) } }, icon("close"));
const tabs = TABS.map((tab, index) =>
  h("button", { type: "button", role: "tab", id: `tab-${tab.name}`, "aria-controls": `panel-${tab.name}`, class: "tab", on: { click: () => choose(tab.name), keydown: (event) => step(event, index) } }, tab.label),
);
const panels = TABS.map((tab) => h("div", { role: "tabpanel", id: `panel-${tab.name}`, class: "panel", "aria-labelledby": `tab-${tab.name}` }, tab.node));
fill(pane, h("header", { class: "behind-head" }, h("h2", {}, "Behind the scenes"), close), h("div", { class: "tabs", role: "tablist" }, tabs), panels);
choose(chosen);

function choose(name) {
  chosen = name;
  for (const [index, tab] of TABS.entries()) {
    const isChosen = tab.name === chosen;
    tabs[index].setAttribute("aria-selected", String(isChosen));
    tabs[index].tabIndex = isChosen ? 0 : -1;
    panels[index].hidden = !isChosen;
  }
}

function step(event, index) {
  const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!move) return;
  const next = (index + move + TABS.length) % TABS.length;
  choose(TABS[next].name);
  tabs[next].focus();
}

/** Show or hide the pane, and remember it. */
export function showBehind(yes) {
  document.body.classList.toggle("shows-behind", yes);
  localStorage.setItem("behind", yes ? "yes" : "no");
  document.dispatchEvent(new CustomEvent("behind"));
}

export function drawBehind() {
  for (const tab of TABS) tab.draw();
}
