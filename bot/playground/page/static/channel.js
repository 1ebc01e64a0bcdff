// The channel in the middle: its name, its messages by day, its composer; for the app, its home tab where it has one.

import { drawBlocks } from "./blocks.js";
import { composer } from "./composer.js";
import { fill, h, icon, keyed } from "./dom.js";
import { act } from "./api.js";
import { avatar, badge, drawMessage } from "./message.js";
import { here, readUpToHere, store, update, user } from "./store.js";
import { dayOf } from "./when.js";

const TOGETHER = 300;
/** Pixels from the end within which the list is followed as it grows. */
const NEAR = 120;

const pane = document.getElementById("channel");
const head = h("header", { class: "pane-head" });
const banner = h("div", { class: "banner", hidden: true });
const list = h("div", { class: "messages", role: "log", "aria-label": "Messages", tabIndex: 0 });
const home = h("div", { class: "messages home", hidden: true });
const writing = composer({ place: () => ({ channel: store.channel }), label: placeholder, commands: true });
pane.append(head, banner, list, home, writing.node);

function placeholder() {
  const channel = here();
  if (!channel) return "Message";
  return channel.kind === "im" ? `Message ${store.setting.bot.name}` : `Message #${channel.name}`;
}

let shown = "";

/** Bring the pane up to date. */
export function drawChannel() {
  const channel = here();
  if (!channel) return;
  const isNew = shown !== `${store.me}/${channel.id}`;
  shown = `${store.me}/${channel.id}`;
  if (isNew) {
    list.keyed = undefined;
    list.replaceChildren();
  }
  drawHead(channel);
  const isHome = store.home && channel.kind === "im" && store.sight.home;
  home.hidden = !isHome;
  list.hidden = Boolean(isHome);
  writing.node.hidden = Boolean(isHome) || channel.archived;
  if (isHome) drawHome();
  const follows = isNew || list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  keyed(list, rows(channel), (row) => row.key, (row) => row.sign, (row) => row.draw());
  if (follows) list.scrollTop = list.scrollHeight;
  writing.refresh(isNew);
  readUpToHere();
}

/** Put text into the composer, ready to be sent. */
export function typeInto(text) {
  writing.set(text);
}

/** Bring a message into view and make it stand out for a moment. */
export function showMessage(ts) {
  const node = list.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  node?.scrollIntoView({ block: "center" });
  node?.classList.add("flash");
  setTimeout(() => node?.classList.remove("flash"), 2000);
}

function rows(channel) {
  const said = channel.messages.filter((one) => (one.thread_ts ?? one.ts) === one.ts || one.subtype === "thread_broadcast");
  const whispered = store.sight.ephemerals.filter((one) => one.channel === channel.id && !one.thread_ts);
  const all = [...said, ...whispered].sort((one, other) => (one.ts < other.ts ? -1 : 1));
  const found = [];
  let before = null;
  for (const message of all) {
    const day = dayOf(message.ts);
    const isNewDay = !before || dayOf(before.ts) !== day;
    if (isNewDay) found.push({ key: `day ${day}`, sign: day, draw: () => h("div", { class: "day", role: "separator" }, h("span", {}, day)) });
    const compact = !isNewDay && before.user === message.user && !("channel" in message) && !("channel" in before) && message.ts - before.ts < TOGETHER && Boolean(message.user);
    found.push({ key: message.ts, sign: JSON.stringify([message, compact]), draw: () => drawMessage(message, { compact }) });
    before = message;
  }
  return found;
}

let headSign = "";

function drawHead(channel) {
  const sign = JSON.stringify([store.me, channel.id, channel.members, channel.shared, channel.archived, channel.has_bot, store.home, Boolean(store.sight.home)]);
  if (sign === headSign) return;
  headSign = sign;
  const open = h("button", { type: "button", class: "plain only-narrow", "aria-label": "Show channels", on: { click: () => document.body.classList.toggle("shows-sidebar") } }, icon("menu"));
  const isApp = channel.kind === "im";
  const name = isApp
    ? [avatar(store.setting.bot.id, "small"), store.setting.bot.name, badge(store.setting.bot.id)]
    : [icon(channel.kind === "groups" ? "lock" : "hash", 18), channel.name, channel.shared && icon("shared", 16)];
  const members = !isApp && h("span", { class: "members", title: `${channel.members} members` }, icon("people", 18), String(channel.members));
  fill(head, open, h("h1", {}, name), tabs(isApp), members);
  banner.hidden = !(channel.shared || channel.archived);
  banner.textContent = channel.archived ? "This channel is archived." : "This channel is shared with Acme, another company.";
}

function tabs(isApp) {
  if (!isApp || !store.sight.home) return null;
  const tab = (label, isHome) => h("button", { type: "button", role: "tab", "aria-selected": String(store.home === isHome), class: "tab", on: { click: () => go(isHome) } }, label);
  const go = (isHome) => {
    update({ home: isHome });
    if (isHome) act({ do: "home" });
  };
  return h("div", { role: "tablist", class: "tabs" }, tab("Home", true), tab("Messages", false));
}

let homeSign = "";

function drawHome() {
  const view = store.sight.home;
  if (homeSign === view.hash) return;
  homeSign = view.hash;
  const press = (_, element) => act({ do: "click", view: view.id, name: element.action_id });
  fill(home, h("div", { class: "blocks", "aria-label": `Home of ${user(store.setting.bot.id).real_name}` }, drawBlocks(view.blocks, { key: view.id, press, enter: press, held: () => undefined, error: () => "" })));
}
