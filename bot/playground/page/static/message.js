// One message: who wrote it, what it says, its buttons, its thread.

import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { h, icon } from "./dom.js";
import { menu } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";
import { store, update, user } from "./store.js";
import { clock, exact, written } from "./when.js";

const COLOURS = ["#7c3aed", "#0e7490", "#b45309", "#be123c", "#15803d", "#1d4ed8", "#a21caf"];

/** Draw somebody's picture: initials, or the app's icon. */
export function avatar(id, size = "") {
  const who = user(id);
  const classes = `avatar ${size} ${who.kind === "bot" ? "app" : ""}`.trim();
  if (who.kind === "bot") return h("img", { class: classes, src: "/static/icon.svg", alt: "" });
  const initials = who.real_name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  const node = h("span", { class: classes, "aria-hidden": "true" }, initials);
  const place = store.setting.people.findIndex((one) => one.id === id);
  node.style.background = COLOURS[(place + COLOURS.length) % COLOURS.length];
  return node;
}

/** Say beside a name what kind of member somebody is, where it matters. */
export function badge(id) {
  const words = { bot: "APP", guest: "Guest", outsider: "Acme", deactivated: "Deactivated" };
  const kind = user(id).kind;
  return kind in words && h("span", { class: `badge ${kind}` }, words[kind]);
}

/** Draw a message; `compact`: it follows another of the same author. `inThread`: it is shown in the thread's pane. */
export function drawMessage(message, { compact = false, inThread = false } = {}) {
  const author = message.user ?? store.setting.bot.id;
  const isPrivate = "channel" in message;
  const where = surroundings(message);
  const content = message.blocks?.length
    ? h("div", { class: "blocks" }, drawBlocks(message.blocks, where))
    : h("div", { class: "text" }, mrkdwn(message.text ?? ""), message.edited && h("span", { class: "edited" }, " (edited)"));
  const time = h("time", { class: "time", title: exact(message.ts), dateTime: new Date(message.ts * 1000).toISOString() }, clock(message.ts));
  const head = h("div", { class: "message-head" }, h("span", { class: "author" }, user(author).real_name), badge(author), time);
  return h(
    "article",
    {
      class: ["message", compact && "compact", isPrivate && "private"].filter(Boolean).join(" "),
      data: { ts: message.ts },
      "aria-label": `${user(author).real_name}, ${clock(message.ts)}`,
    },
    isPrivate && h("div", { class: "only-you" }, icon("eye", 14), "Only visible to you"),
    h("div", { class: "gutter" }, compact ? h("span", { class: "time", "aria-hidden": "true" }, clock(message.ts).replace(/ .*/, "")) : avatar(author)),
    h("div", { class: "message-main" }, !compact && head, content, !inThread && message.reply_count > 0 && replies(message)),
    !isPrivate && tools(message, inThread),
  );
}

function surroundings(message) {
  const press = (_, element, option = "") => act({ do: "click", ts: message.ts, name: element.action_id, option });
  return { key: message.ts, press, enter: press, held: () => undefined, error: () => "" };
}

export function openThread(ts) {
  update({ thread: ts });
  document.getElementById("thread").focus();
}

function replies(message) {
  const channel = store.sight.channels.find((one) => one.messages.some((other) => other.ts === message.ts));
  const inside = channel?.messages.filter((one) => one.thread_ts === message.ts && one.ts !== message.ts) ?? [];
  const who = [...new Set(inside.map((one) => one.user ?? store.setting.bot.id))].slice(0, 4);
  const count = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
  const last = written(Number(message.latest_reply), "{date_short_pretty} at {time}").toLowerCase().replace(/([ap])m$/, (half) => half.toUpperCase());
  return h(
    "button",
    { type: "button", class: "replies", data: { element: "replies" }, on: { click: () => openThread(message.ts) } },
    who.map((id) => avatar(id, "tiny")),
    h("span", { class: "count" }, count),
    h("span", { class: "last" }, h("span", { class: "when" }, `Last reply ${last}`), h("span", { class: "view" }, "View thread")),
    icon("forward", 14),
  );
}

function tools(message, inThread) {
  const reply = h("button", { type: "button", "aria-label": "Reply in thread", title: "Reply in thread", data: { element: "reply" }, on: { click: () => openThread(message.thread_ts ?? message.ts) } }, icon("reply"));
  const more = h("button", { type: "button", "aria-label": "More actions", title: "More actions", data: { element: "more" } }, icon("more"));
  menu(more, () => [
    ...(inThread ? [] : [{ label: "Reply in thread", go: () => openThread(message.thread_ts ?? message.ts) }]),
    { label: "Copy text", go: () => navigator.clipboard?.writeText(message.text ?? "") },
    ...store.setting.shortcuts.map((one) => ({
      label: one.name,
      detail: store.setting.bot.name,
      go: () => act({ do: "shortcut", ts: message.ts, name: one.callback_id }),
    })),
  ]);
  return h("div", { class: "tools" }, !inThread && reply, more);
}
