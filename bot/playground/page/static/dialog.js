// What every dialog has in common: Tab stays inside, Escape leaves, and the focus goes back to where it was.

import { freshId, h, icon } from "./dom.js";
import { bare, words } from "./text.js";

const REACHABLE = "a[href], button:not([disabled]), input:not([disabled]), textarea, select, summary, [tabindex]:not([tabindex='-1'])";

export function reachable(node) {
  return [...node.querySelectorAll(REACHABLE)].filter((one) => one.tabIndex >= 0 && one.offsetParent !== null);
}

/** Keep Tab inside `node`, and call `leave` on Escape. */
export function trap(node, leave) {
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      leave();
    }
    if (event.key !== "Tab") return;
    const stops = reachable(node);
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (document.activeElement === edge || !node.contains(document.activeElement)) {
      event.preventDefault();
      (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
    }
  });
}

/** Show a confirmation dialog as the bot describes it, and promise whether the person said yes. */
export function confirmed(asked) {
  const back = document.activeElement;
  const title = freshId("confirm");
  return new Promise((resolve) => {
    const answer = (yes) => {
      shade.remove();
      back?.focus();
      resolve(yes);
    };
    const yes = h("button", { type: "button", class: `button ${asked.style === "danger" ? "danger" : "primary"}`, on: { click: () => answer(true) } }, bare(asked.confirm));
    const no = h("button", { type: "button", class: "button", on: { click: () => answer(false) } }, bare(asked.deny));
    const close = h("button", { type: "button", class: "plain", "aria-label": "Close", on: { click: () => answer(false) } }, icon("close"));
    const box = h(
      "div",
      { class: "modal confirm", role: "alertdialog", "aria-modal": "true", "aria-labelledby": title, "aria-describedby": `${title}-text` },
      h("div", { class: "modal-head" }, h("h2", { id: title }, bare(asked.title)), close),
      h("div", { class: "modal-body", id: `${title}-text` }, words(asked.text)),
      h("div", { class: "modal-foot" }, no, yes),
    );
    const shade = h("div", { class: "shade" }, box);
    trap(box, () => answer(false));
    document.getElementById("workspace").append(shade);
    yes.focus();
  });
}
