// The strip on the left: the workspace, its channels, its app; and the bar above, which is only there to look at.

import { fill, h, icon } from "./dom.js";
import { store, unread, update } from "./store.js";
import { avatar } from "./message.js";

const side = document.getElementById("sidebar");
const top = document.getElementById("topbar");

let sign = "";

/** Show a channel. */
export function show(channelId) {
  document.body.classList.remove("shows-sidebar");
  update({ channel: channelId, thread: "", home: false });
}

export function drawSidebar() {
  const rows = store.sight.channels.map((one) => [one.id, one.name, one.kind, one.shared, unread(one)]);
  const now = JSON.stringify([store.me, store.channel, rows]);
  if (now === sign) return;
  sign = now;
  fill(top, h("div", { class: "search", "aria-hidden": "true" }, icon("search", 16), `Search ${store.setting.team.name}`), avatar(store.me, "small"));
  const channels = store.sight.channels.filter((one) => one.kind !== "im");
  const apps = store.sight.channels.filter((one) => one.kind === "im");
  fill(
    side,
    h("div", { class: "rail", "aria-hidden": "true" }, h("span", { class: "team" }, "P"), rail("home", "Home", true), rail("people", "DMs"), rail("bell", "Activity"), rail("more", "More")),
    h(
      "div",
      { class: "places" },
      h("div", { class: "team-name" }, store.setting.team.name, icon("down", 16)),
      h("h2", {}, "Channels"),
      h("ul", {}, channels.map(row)),
      apps.length > 0 && [h("h2", {}, "Apps"), h("ul", {}, apps.map(row))],
    ),
  );
}

function rail(drawing, label, active = false) {
  return h("span", { class: active ? "rail-item active" : "rail-item" }, h("span", { class: "rail-icon" }, icon(drawing)), label);
}

function row(channel) {
  const isHere = channel.id === store.channel;
  const news = isHere ? 0 : unread(channel);
  const isApp = channel.kind === "im";
  const name = isApp ? store.setting.bot.name : channel.name;
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: ["place", isHere && "here", news && "unread"].filter(Boolean).join(" "), "aria-current": isHere ? "page" : null, on: { click: () => show(channel.id) } },
      isApp ? avatar(store.setting.bot.id, "small") : icon(channel.kind === "groups" ? "lock" : "hash", 18),
      h("span", { class: "place-name" }, name),
      channel.shared && icon("shared", 16),
      news > 0 && h("span", { class: "count", "aria-label": `${news} unread` }, String(news)),
    ),
  );
}
