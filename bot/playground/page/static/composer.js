// The box at the bottom: messages, and slash commands with their completion.

import { act } from "./api.js";
import { fill, freshId, h, icon } from "./dom.js";
import { store, user } from "./store.js";
import { toast } from "./toast.js";

const MARKS = [["B", "*", "Bold"], ["I", "_", "Italic"], ["S", "~", "Strikethrough"], ["<>", "`", "Code"]];

/** Pixels below which a keyboard on the screen would cover what there is to read. */
const NARROW = 900;

/** `place()` says where a message goes, `label()` what the empty box says; `commands`: whether it takes commands. */
export function composer({ place, label, commands }) {
  const listId = freshId("commands");
  const box = h("textarea", { rows: 1, class: "composer-text", spellcheck: false, "aria-controls": listId, on: { input: typed, keydown: key, blur: () => setTimeout(hide, 150) } });
  const list = h("div", { class: "completions", id: listId, hidden: true });
  const send = h("button", { type: "button", class: "composer-send", "aria-label": "Send", on: { click: submit } }, icon("send", 18));
  const marks = MARKS.map(([text, mark, name]) => h("button", { type: "button", class: `mark ${name.toLowerCase()}`, "aria-label": name, title: name, tabIndex: -1, on: { click: () => surround(mark) } }, text));
  const node = h("div", { class: "composer" }, list, h("div", { class: "marks" }, marks), box, h("div", { class: "composer-foot" }, h("span", { class: "composer-hint" }, commands ? "/ for commands" : ""), send));

  function grow() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
    send.classList.toggle("ready", box.value.trim() !== "");
  }

  function typed() {
    grow();
    complete();
  }

  function offered() {
    if (!commands || user(store.me).kind === "outsider" || !box.value.startsWith("/") || box.value.includes("\n")) return [];
    const word = box.value.split(" ")[0];
    return store.setting.commands.filter((one) => (box.value.includes(" ") ? one.command === word : one.command.startsWith(word)));
  }

  function complete() {
    const found = offered();
    list.hidden = !found.length;
    fill(list, found.length && h("div", { class: "completions-head" }, "Commands"), found.map((one, index) =>
      h("button", { type: "button", tabIndex: -1, class: index === 0 ? "completion active" : "completion", on: { mousedown: (event) => { event.preventDefault(); take(one); } } },
        h("img", { class: "avatar app small", src: "/static/icon.svg", alt: "" }),
        h("span", { class: "completion-what" }, h("b", {}, one.command), " ", one.usage_hint, h("span", { class: "detail" }, one.description)),
        h("span", { class: "detail" }, store.setting.bot.name),
      )));
  }

  function hide() {
    list.hidden = true;
  }

  function take(one) {
    set(`${one.command} `);
  }

  function key(event) {
    if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      hide();
    } else if ((event.key === "Tab" || event.key === "Enter") && !list.hidden && !event.shiftKey && !box.value.includes(" ") && box.value !== offered()[0].command) {
      event.preventDefault();
      take(offered()[0]);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  }

  function surround(mark) {
    const { selectionStart: from, selectionEnd: to } = box;
    box.setRangeText(`${mark}${box.value.slice(from, to)}${mark}`, from, to, "end");
    box.focus();
    grow();
  }

  async function submit() {
    const text = box.value.trim();
    if (!text) return;
    set("");
    hide();
    const told = text.startsWith("/") ? await command(text) : await act({ do: "say", text: escaped(text), ...place() });
    if (!told.ok && told.blocked) {
      set(text);
      toast(told.blocked);
    }
  }

  async function command(text) {
    const word = text.split(/\s/)[0];
    if (!commands) return { ok: false, blocked: `${word} cannot be used in threads.` };
    if (!store.setting.commands.some((one) => one.command === word)) return { ok: false, blocked: `${word} is not a valid command.` };
    return act({ do: "command", text, ...place() });
  }

  function set(text) {
    box.value = text;
    grow();
    complete();
    box.focus();
    box.setSelectionRange(text.length, text.length);
  }

  function refresh(isNew) {
    box.placeholder = label();
    box.setAttribute("aria-label", label());
    if (!isNew) return;
    box.value = "";
    hide();
    grow();
    if (commands && document.activeElement === document.body && window.innerWidth >= NARROW) box.focus();
  }

  return { node, set, refresh };
}

/** What people type is text; only what Slack's own client would turn into markup may become any. */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
