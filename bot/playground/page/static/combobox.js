// A select one can type into, for one choice or several, over a list or over what the bot suggests.

import { fill, freshId, h, icon } from "./dom.js";

const PATIENCE = 200;
/** How high a list of choices becomes at most, in pixels. */
const HIGHEST = 260;

/**
 * `options`: [{value, text}], or `load(typed)` → a promise of them. `selected`: what is chosen at first.
 * `choose(value)` is told of every choice: a value, null for none, or all of them where `multiple`.
 */
export function combobox({ id, name, described, placeholder, multiple, clearable, options, load, selected, choose }) {
  const listId = freshId("list");
  let chosen = selected;
  let listed = [];
  let active = -1;
  let asked = 0;
  let timer = 0;

  const input = h("input", {
    type: "text", id, role: "combobox", class: "combo-input", autocomplete: "off", spellcheck: false, "aria-expanded": "false",
    "aria-controls": listId, "aria-autocomplete": "list", data: { element: name }, ...described,
  });
  const list = h("ul", { id: listId, role: "listbox", class: "combo-list", hidden: true, "aria-multiselectable": multiple ? "true" : null });
  const chips = h("span", { class: "chips" });
  const clear = h("button", { type: "button", class: "combo-clear", "aria-label": "Clear", tabIndex: -1, on: { click: empty } }, icon("close", 14));
  const node = h("div", { class: multiple ? "combo multiple" : "combo" }, chips, input, clear, icon("down", 16), list);

  function show() {
    fill(chips, multiple ? chosen.map(chip) : []);
    input.value = multiple ? "" : (chosen[0]?.text ?? "");
    input.placeholder = multiple && chosen.length ? "" : placeholder;
    clear.hidden = !clearable || chosen.length === 0;
  }

  function chip(option) {
    const remove = () => pick(option);
    return h("span", { class: "chip" }, option.text, h("button", { type: "button", tabIndex: -1, "aria-label": `Remove ${option.text}`, on: { click: remove } }, icon("close", 12)));
  }

  function tell() {
    if (multiple) choose(chosen.length ? chosen.map((one) => one.value) : null);
    else choose(chosen[0]?.value ?? null);
  }

  function pick(option) {
    const had = chosen.some((one) => one.value === option.value);
    if (multiple) chosen = had ? chosen.filter((one) => one.value !== option.value) : [...chosen, option];
    else chosen = [option];
    if (!multiple) close();
    else if (!list.hidden) draw();
    show();
    tell();
  }

  function empty() {
    chosen = [];
    close();
    show();
    tell();
    input.focus();
  }

  const isOpen = () => !list.hidden;

  function close() {
    clearTimeout(timer);
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  async function open(typed) {
    const turn = ++asked;
    if (load) {
      if (!isOpen()) say("Loading…");
      const found = await load(typed);
      if (turn !== asked || document.activeElement !== input) return;
      listed = found;
    } else {
      const wanted = typed.toLowerCase();
      listed = options.filter((one) => one.text.toLowerCase().includes(wanted));
    }
    active = multiple ? (listed.length ? 0 : -1) : Math.max(0, listed.findIndex((one) => one.value === chosen[0]?.value));
    draw();
  }

  function say(text) {
    fill(list, h("li", { class: "combo-none" }, text));
    unfold();
  }

  function draw() {
    if (!listed.length) {
      say("No results");
      return;
    }
    const isChosen = (option) => chosen.some((one) => one.value === option.value);
    fill(
      list,
      listed.map((option, index) =>
        h(
          "li",
          {
            id: `${listId}-${index}`, role: "option", class: index === active ? "active" : "", "aria-selected": String(isChosen(option)),
            // mousedown: a click would come after the input lost its focus
            on: { mousedown: (event) => { event.preventDefault(); pick(option); }, mousemove: () => move(index) },
          },
          h("span", {}, option.text),
          isChosen(option) && icon("check", 16),
        ),
      ),
    );
    unfold();
    move(active);
  }

  function unfold() {
    const box = node.getBoundingClientRect();
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    const below = window.innerHeight - box.bottom;
    const height = Math.min(list.scrollHeight + 2, HIGHEST, Math.max(below, box.top) - 12);
    Object.assign(list.style, { left: `${box.left}px`, width: `${box.width}px`, maxHeight: `${height}px`, top: `${below < height + 8 ? box.top - height - 4 : box.bottom + 4}px` });
  }

  function move(index) {
    active = index;
    for (const [at, item] of [...list.children].entries()) item.classList.toggle("active", at === index);
    const item = list.children[index];
    if (item?.id) {
      input.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    }
  }

  function key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!isOpen()) open("");
      else if (listed.length) move((active + step + listed.length) % listed.length);
    } else if (event.key === "Enter" && isOpen()) {
      event.preventDefault();
      event.stopPropagation();
      if (listed[active]) pick(listed[active]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      open("");
    } else if (event.key === "Escape" && isOpen()) {
      event.stopPropagation();
      close();
      show();
    } else if (event.key === "Backspace" && multiple && !input.value && chosen.length) {
      pick(chosen.at(-1));
    }
  }

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => open(input.value), load ? PATIENCE : 0);
  }

  function leave() {
    asked += 1;
    close();
    show();
  }

  input.addEventListener("keydown", key);
  input.addEventListener("input", typed);
  input.addEventListener("blur", leave);
  input.addEventListener("focus", () => input.select());
  node.addEventListener("mousedown", (event) => {
    if (event.target.closest("button, li")) return;
    if (event.target !== input) event.preventDefault();
    input.focus();
    if (isOpen()) close();
    else open("");
  });
  show();
  return node;
}
