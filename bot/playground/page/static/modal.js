// The modal on top of the acting person's stack, as the bot last described it and as the person has filled it.

import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { reachable, trap } from "./dialog.js";
import { fill, freshId, h, icon } from "./dom.js";
import { Draft } from "./draft.js";
import { store } from "./store.js";
import { toast } from "./toast.js";
import { bare } from "./text.js";

const layer = document.getElementById("layer");
const client = document.getElementById("client");

let draft = null;
let shown = "";
let back = null;

/** Bring the modal up to date: drawn anew when the bot changed it, left alone while the person types. */
export function drawModal() {
  const view = store.sight?.view;
  if (!view) {
    if (shown) leaveAll();
    return;
  }
  if (draft?.view !== view.id || draft.me !== store.me) draft = new Draft(store.me, view.id);
  draft.take(view, store.sight.errors);
  const sign = JSON.stringify([store.me, view.id, view.hash, store.sight.errors, store.sight.depth]);
  if (sign === shown) return;
  if (!shown) back = document.activeElement;
  shown = sign;
  redraw();
}

function leaveAll() {
  shown = "";
  draft = null;
  const isAlone = layer.contains(document.activeElement) || document.activeElement === document.body;
  layer.replaceChildren();
  client.inert = false;
  if (isAlone && back?.isConnected) back.focus();
}

function redraw() {
  const view = store.sight.view;
  const old = layer.querySelector(".modal");
  // A view that only said “one moment” had nothing to hold the keyboard.
  const isSame = old?.dataset.view === view.id && reachable(old.querySelector(".modal-body")).length > 0;
  const place = isSame ? remembered(old) : null;
  const title = freshId("modal");
  const isStacked = store.sight.depth > 1;
  const buttons = [
    h("button", { type: "button", class: "button", on: { click: () => leave(false) } }, bare(view.close) || (view.submit ? "Cancel" : "Close")),
    view.submit && h("button", { type: "button", class: "button primary submit", on: { click: submit } }, bare(view.submit)),
  ];
  const box = h(
    "div",
    { class: "modal", role: "dialog", "aria-modal": "true", "aria-labelledby": title, data: { view: view.id, callback: view.callback_id } },
    h(
      "div",
      { class: "modal-head" },
      isStacked ? h("button", { type: "button", class: "plain", "aria-label": "Back", on: { click: () => leave(false) } }, icon("back")) : h("img", { class: "avatar app small", src: "/static/icon.svg", alt: "" }),
      h("h2", { id: title }, bare(view.title)),
      h("button", { type: "button", class: "plain", "aria-label": "Close", on: { click: () => leave(true) } }, icon("close")),
    ),
    h("div", { class: "modal-body" }, drawBlocks(view.blocks, draft.where(mark))),
    h("div", { class: "modal-foot" }, buttons),
  );
  trap(box, () => leave(false));
  box.addEventListener("keydown", enterSubmits);
  fill(layer, h("div", { class: "shade" }, box));
  client.inert = true;
  if (place) restore(box, place);
  else (reachable(box.querySelector(".modal-body"))[0] ?? box.querySelector(".submit") ?? reachable(box)[0])?.focus();
  if (!draft.seen) pointOut(box);
  draft.seen = true;
}

function enterSubmits(event) {
  const oneLine = event.target.matches("input[type=text]:not([role=combobox]), input[type=time]");
  if (event.key === "Enter" && store.sight.view?.submit && (oneLine || event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    submit();
  }
}

function remembered(box) {
  const focused = document.activeElement;
  const isInside = box.contains(focused);
  return {
    scroll: box.querySelector(".modal-body").scrollTop,
    element: isInside ? (focused.dataset.element ?? (focused.classList.contains("submit") ? "submit" : "")) : null,
    selection: isInside && "selectionStart" in focused && focused.type !== "time" ? [focused.selectionStart, focused.selectionEnd] : null,
  };
}

function restore(box, { scroll, element, selection }) {
  box.querySelector(".modal-body").scrollTop = scroll;
  if (element === null) return;
  const found = element === "submit" ? box.querySelector(".submit") : element && box.querySelector(`[data-element="${CSS.escape(element)}"]`);
  const target = found || reachable(box)[0];
  target?.focus({ preventScroll: true });
  if (found && selection?.[0] !== undefined && selection?.[0] !== null && found.setSelectionRange && found.type === "text") found.setSelectionRange(...selection);
}

/** Show or take away the sentence under one input without touching the others. */
function mark(blockId, sentence) {
  const block = layer.querySelector(`[data-block="${CSS.escape(blockId)}"]`);
  const error = block?.querySelector(".complaint");
  if (!error) return;
  block.classList.toggle("wrong", Boolean(sentence));
  error.hidden = !sentence;
  fill(error, sentence ? [icon("warning", 16), h("span", {}, sentence)] : []);
}

async function submit() {
  const button = layer.querySelector(".submit");
  if (!button || button.classList.contains("busy")) return;
  button.classList.add("busy");
  const mine = draft;
  const refused = await mine.flush();
  const told = Object.keys(refused).length ? { ok: false, marks: refused } : await act({ do: "submit" });
  button.classList.remove("busy");
  if (draft !== mine) return;
  if (told.action === "errors") {
    // they may be the same as before: then nothing else would show them again
    draft.complain(store.sight.errors);
    redraw();
  }
  if (told.ok) return;
  const marks = Object.entries(told.marks ?? {});
  if (!marks.length && told.blocked) toast(told.blocked);
  for (const [block, fragment] of marks) mark(block, draft.say(block, fragment));
  pointOut(layer);
}

/** Bring the first input that is marked into view, and the keyboard to it. */
function pointOut(box) {
  const wrong = box.querySelector(".input.wrong");
  wrong?.scrollIntoView({ block: "center" });
  if (wrong) reachable(wrong)[0]?.focus();
}

async function leave(everything) {
  await act({ do: "close", everything });
}
