// The ledger: every change with its events, each of which carries the hash of the one before.

import { h, keyed } from "./dom.js";
import { store, user } from "./store.js";
import { seconds } from "./when.js";

const list = h("div", {});

export const ledgerTab = h(
  "div",
  {},
  h("p", { class: "note" }, "What the bot wrote down, in order. Each hash is made of the event and the hash before it, and the last one is told in the thread: nobody changes this unnoticed."),
  list,
);

export function drawLedger() {
  keyed(list, store.behind.ledger.toReversed(), (change) => change.id, (change) => JSON.stringify(change), drawChange);
}

function drawChange(change) {
  const isNewest = change.id === store.behind.ledger.at(-1).id;
  return h(
    "details",
    { class: "entry change", open: isNewest },
    h("summary", {}, h("span", { class: "what" }, change.plan || change.id), h("span", { class: `state ${change.state}` }, change.state)),
    h("p", { class: "note" }, `Change ${change.id}. `, change.findings.length ? h("b", { class: "bad" }, change.findings.join(" ")) : `${change.events.length} events; every event is signed, every hash follows from the one before.`),
    h("ol", { class: "events" }, change.events.map(drawEvent)),
  );
}

function drawEvent(event) {
  const by = event.actor in store.setting.users ? user(event.actor).name : event.actor;
  return h(
    "li",
    {},
    h(
      "details",
      {},
      h("summary", {}, h("span", { class: "seq" }, String(event.seq)), h("b", {}, event.type), h("span", { class: "by" }, by), h("span", { class: "at" }, seconds(Date.parse(event.at) / 1000))),
      h("pre", {}, JSON.stringify(event.data, null, 1)),
    ),
    h("code", { class: "hash", title: event.hash }, event.hash.slice(0, 32), "…"),
  );
}
