// The side pane with one thread: the message it hangs on, the replies, a composer.

import { composer } from "./composer.js";
import { fill, h, icon, keyed } from "./dom.js";
import { drawMessage } from "./message.js";
import { here, store, update } from "./store.js";

const pane = document.getElementById("thread");
const head = h("header", { class: "pane-head" });
const list = h("div", { class: "messages", tabIndex: 0, role: "log", "aria-label": "Replies" });
const writing = composer({ place: () => ({ channel: store.channel, thread_ts: store.thread }), label: () => "Reply…", commands: false });
pane.append(head, list, writing.node);
pane.addEventListener("keydown", (event) => event.key === "Escape" && leave());

function leave() {
  update({ thread: "" });
  document.getElementById("channel").focus();
}

let shown = "";

/** Bring the pane up to date; it goes where the thread is not in the channel shown. */
export function drawThread() {
  const channel = here();
  const parent = channel?.messages.find((one) => one.ts === store.thread);
  pane.hidden = !parent;
  document.body.classList.toggle("shows-thread", Boolean(parent));
  if (!parent) {
    shown = "";
    return;
  }
  const isNew = shown !== `${store.me}/${parent.ts}`;
  if (isNew) {
    shown = `${store.me}/${parent.ts}`;
    list.keyed = undefined;
    list.replaceChildren();
    const close = h("button", { type: "button", class: "plain", "aria-label": "Close thread", on: { click: leave } }, icon("close"));
    fill(head, h("h2", {}, "Thread", h("span", { class: "subtle" }, channel.kind === "im" ? "" : `# ${channel.name}`)), close);
  }
  const replies = channel.messages.filter((one) => one.thread_ts === parent.ts && one.ts !== parent.ts);
  const whispered = store.sight.ephemerals.filter((one) => one.thread_ts === parent.ts);
  const all = [...replies, ...whispered].sort((one, other) => (one.ts < other.ts ? -1 : 1));
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  const rows = [
    { key: parent.ts, sign: JSON.stringify(parent), draw: () => drawMessage(parent, { inThread: true }) },
    ...(replies.length ? [{ key: "count", sign: count, draw: () => h("div", { class: "reply-count", role: "separator" }, h("span", {}, count)) }] : []),
    ...all.map((one) => ({ key: one.ts, sign: JSON.stringify(one), draw: () => drawMessage(one, { inThread: true }) })),
  ];
  const before = list.childElementCount;
  keyed(list, rows, (row) => row.key, (row) => row.sign, (row) => row.draw());
  const last = list.lastElementChild;
  if (isNew || list.childElementCount > before) last?.scrollIntoView({ block: list.childElementCount > 1 ? "end" : "start" });
  writing.refresh(isNew);
}
