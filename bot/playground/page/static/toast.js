// Short sentences that go by themselves: what Slack's client says when something failed, and what a button did.

import { h } from "./dom.js";

const SECONDS = 7;

export function toast(text) {
  const shown = h("div", { class: "toast" }, text);
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), SECONDS * 1000);
}
