// DBS as it is: one plan with its fields, what may go wrong, and every request it received.

import { upset } from "./api.js";
import { fill, h, keyed } from "./dom.js";
import { store } from "./store.js";
import { seconds } from "./when.js";

const FIRST = ["BackupPlanStatus", "ErrMessage", "BackupRetentionPeriod", "BackupPeriod", "BackupStartTime", "BackupObjects", "EnableBackupLog"];

const picker = h("select", { id: "plan", "aria-label": "Plan", on: { change: () => choose(picker.value) } });
const says = h("p", { class: "note" });
const queue = h("div", { class: "queue" });
const buttons = h("div", { class: "upsets" });
const fields = h("dl", { class: "facts" });
const others = h("dl", { class: "facts" });
const requests = h("div", { class: "requests" });

export const dbsTab = h(
  "div",
  {},
  h("div", { class: "row" }, h("label", { for: "plan" }, "Plan"), picker),
  h("h3", {}, "Let something go wrong"),
  buttons,
  says,
  queue,
  h("h3", {}, "The plan, as DBS has it"),
  fields,
  h("details", { class: "entry" }, h("summary", { class: "more" }, "All its other fields"), others),
  h("h3", {}, "Requests DBS received"),
  requests,
);

let plan = "";
/** Whether the plan was chosen by hand: else the pane shows the one that is talked about. */
let isChosen = false;
let newest = "";

function choose(id) {
  plan = id;
  isChosen = true;
  drawDbs();
}

export function drawDbs() {
  const { plans, ledger } = store.behind;
  const last = ledger.at(-1);
  if (last && last.id !== newest) {
    newest = last.id;
    isChosen = false;
  }
  if (!isChosen) plan = last?.plan || store.setting.first_plan;
  if (picker.childElementCount !== plans.length) fill(picker, plans.map((one) => h("option", { value: one.BackupPlanId }, `${one.BackupPlanId} – ${one.BackupPlanName}`)));
  picker.value = plan;
  drawUpsets();
  drawFields(plans.find((one) => one.BackupPlanId === plan));
  const list = store.behind.requests.toReversed();
  keyed(requests, list, (one) => String(one.n), (one) => JSON.stringify(one), drawRequest);
  requests.classList.toggle("none", !list.length);
}

function drawUpsets() {
  if (!buttons.childElementCount) {
    const tell = (text) => () => (says.textContent = text);
    fill(buttons, store.setting.upsets.map((one) => h("button", { type: "button", class: "upset", data: { upset: one.name }, title: one.says, on: { click: () => upset(one.name, plan), mouseenter: tell(one.says), focus: tell(one.says) } }, one.label)));
  }
  const { queued, said } = store.behind.upsets;
  if (said.length && said[0] !== says.dataset.said) says.textContent = says.dataset.said = said[0];
  const forget = h("button", { type: "button", class: "upset", on: { click: () => upset("forget", plan) } }, "Never mind");
  const now = JSON.stringify(queued);
  if (queue.dataset.now !== now) fill(queue, queued.length ? [h("b", {}, "Still to come"), queued.map((line) => h("div", {}, line)), forget] : []);
  queue.dataset.now = now;
}

let before = {};

function drawFields(shown) {
  if (!shown) return;
  const moved = (name) => before.BackupPlanId === shown.BackupPlanId && JSON.stringify(before[name]) !== JSON.stringify(shown[name]);
  const rows = (names) => names.map((name) => ({ name, text: said(shown[name]), moved: moved(name) }));
  const first = rows(FIRST.filter((name) => name in shown));
  if (shown.forbidden) first.unshift({ name: "RAM", text: "keeps this plan from the bot" });
  const rest = rows(Object.keys(shown).filter((name) => name !== "forbidden" && !FIRST.includes(name)));
  for (const [list, facts] of [[fields, first], [others, rest]]) {
    keyed(list, facts, (row) => `${shown.BackupPlanId}/${row.name}`, (row) => row.text, drawFact);
  }
  before = shown;
}

function drawFact(row) {
  return h("div", { class: row.moved ? "fact moved" : "fact" }, h("dt", {}, row.name), h("dd", {}, row.text));
}

function said(value) {
  return value === null || value === "" ? "–" : String(value);
}

function drawRequest(one) {
  const isWaiting = one.seconds === null;
  const result = isWaiting ? "…" : one.code || "OK";
  const facts = Object.entries(one.params).map(([name, value]) => h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, value || "–")));
  return h(
    "details",
    { class: "entry", data: { action: one.action } },
    h("summary", {}, h("span", { class: "at" }, seconds(one.at)), h("span", { class: "what" }, one.action), h("span", { class: `result ${one.code ? "bad" : isWaiting ? "" : "good"}` }, result), h("span", { class: "at" }, isWaiting ? "" : `${one.seconds} s`)),
    h("dl", { class: "facts" }, facts),
    Object.keys(one.answer).length > 0 && h("pre", {}, JSON.stringify(one.answer, null, 1)),
  );
}
