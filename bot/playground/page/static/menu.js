// A menu that opens from a button: arrows move, Enter chooses, Escape leaves.

import { freshId, h } from "./dom.js";

/** Give `button` a menu; `items()` returns [{label, detail, go}] when it opens. */
export function menu(button, items) {
  const id = freshId("menu");
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  let list = null;

  function close(back) {
    list?.remove();
    list = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("mousedown", outside);
    if (back) button.focus();
  }

  function outside(event) {
    if (!list.contains(event.target) && event.target !== button) close(false);
  }

  function step(event) {
    const all = [...list.children];
    const at = all.indexOf(document.activeElement);
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      all[(at + move + all.length) % all.length].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.stopPropagation();
      close(true);
    }
  }

  function open() {
    const drawn = items().map((item) => {
      const go = () => {
        close(true);
        item.go();
      };
      return h("button", { type: "button", role: "menuitem", class: "menu-item", on: { click: go } }, h("span", {}, item.label), item.detail && h("span", { class: "detail" }, item.detail));
    });
    list = h("div", { class: "menu", role: "menu", id, on: { keydown: step } }, drawn);
    document.body.append(list);
    const box = button.getBoundingClientRect();
    const top = box.bottom + list.offsetHeight + 8 > window.innerHeight ? box.top - list.offsetHeight - 4 : box.bottom + 4;
    list.style.left = `${Math.max(8, box.right - list.offsetWidth)}px`;
    list.style.top = `${top}px`;
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("mousedown", outside);
    list.firstChild?.focus();
  }

  button.addEventListener("click", () => (list ? close(true) : open()));
  return button;
}
