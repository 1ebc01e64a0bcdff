// The playground's own bar: whose Slack this is, what to do next, and what belongs to no Slack at all.

import { fill, h, icon } from "./dom.js";
import { avatar } from "./message.js";
import { mrkdwn } from "./mrkdwn.js";
import { store, user } from "./store.js";

const bar = document.getElementById("playbar");
const THEMES = ["auto", "light", "dark"];

let sign = "";

/** Draw the bar; `go(step)` does what a hint's button says, `toggle()` shows or hides the pane behind the scenes. */
export function drawPlaybar(go, toggle) {
  const hint = store.lost ? { text: "The playground does not answer: is the command in the terminal still running?", steps: [] } : store.sight.hint;
  const now = JSON.stringify([store.me, hint, document.body.classList.contains("shows-behind")]);
  if (now === sign) return;
  sign = now;
  const focused = bar.contains(document.activeElement) && document.activeElement.dataset.as;
  fill(
    bar,
    h("div", { class: "cast", role: "group", "aria-label": "Act as" }, h("span", { class: "cast-label" }, "Act as"), store.setting.people.map((one) => person(one, go))),
    h("div", { class: "next", role: "status" }, h("span", { class: "next-label" }, "Next"), h("span", { class: "next-text" }, mrkdwn(hint.text)), hint.steps.map((step) => h("button", { type: "button", class: "step", on: { click: () => go(step) } }, step.label))),
    h(
      "div",
      { class: "switches" },
      h("button", { type: "button", class: "switch", title: "Light or dark", "aria-label": "Light or dark", on: { click: turnTheme } }, icon("theme")),
      h("button", { type: "button", class: "switch", "aria-label": "Behind the scenes", "aria-pressed": String(document.body.classList.contains("shows-behind")), on: { click: toggle } }, icon("gear"), h("span", {}, "Behind the scenes")),
    ),
  );
  if (focused) bar.querySelector(`[data-as="${CSS.escape(focused)}"]`)?.focus();
}

function person({ id, role }, go) {
  const isMe = id === store.me;
  const [first] = user(id).real_name.split(" ");
  return h(
    "span",
    { class: isMe ? "actor me" : "actor" },
    h("button", { type: "button", class: "actor-name", "aria-pressed": String(isMe), title: `${user(id).real_name}: ${role}`, data: { as: id }, on: { click: () => go({ as: id }) } }, avatar(id, "small"), h("span", { class: "actor-text" }, h("b", {}, first), h("small", {}, role))),
    h("a", { href: `/?as=${id}`, target: "_blank", title: `${first} in a second tab`, "aria-label": `Open ${first} in a second tab` }, icon("tab", 14)),
  );
}

function turnTheme() {
  const now = document.documentElement.dataset.theme ?? "auto";
  setTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
}

export function setTheme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem("theme", name);
}
