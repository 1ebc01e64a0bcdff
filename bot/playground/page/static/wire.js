// Every payload between Slack and the bot, for those who develop: a line each, the whole of it on demand.

import { loadPayload } from "./api.js";
import { fill, h, keyed } from "./dom.js";
import { store, user } from "./store.js";
import { seconds } from "./when.js";

const list = h("div", {});

export const wireTab = h("div", {}, h("p", { class: "note" }, "→ from Slack to the bot, ← from the bot to Slack; newest first."), list);

export function drawWire() {
  keyed(list, store.behind.wire.toReversed(), (line) => line.id, (line) => JSON.stringify(line), drawLine);
}

function drawLine(line) {
  const body = h("pre", {}, "…");
  const load = async (event) => {
    if (!event.currentTarget.open) return;
    try {
      fill(body, JSON.stringify(await loadPayload(line.id), null, 1));
    } catch {
      fill(body, "It is gone.");
    }
  };
  const isGood = ["ok", "200"].includes(line.result);
  return h(
    "details",
    { class: "entry", on: { toggle: load } },
    h("summary", {}, h("span", { class: "at" }, seconds(line.at)), h("span", { class: `way ${line.way}`, "aria-label": line.way === "in" ? "to the bot" : "from the bot" }, line.way === "in" ? "→" : "←"), h("span", { class: "what" }, line.what), h("span", { class: "by" }, line.by && user(line.by).name), h("span", { class: `result ${isGood ? "good" : line.result === "…" ? "" : "bad"}` }, line.result)),
    body,
  );
}
