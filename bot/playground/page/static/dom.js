// Building elements. Whatever is shown goes in as text nodes: nothing foreign is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  hash: "M4 7h13M3 13h13M8.5 3 6.5 17M13.5 3l-2 14",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  shared: "M7 5 3 10l4 5M13 5l4 5-4 5",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12 4l-6 6 6 6",
  forward: "M8 4l6 6-6 6",
  down: "M5 8l5 5 5-5",
  more: "M10 5v.01M10 10v.01M10 15v.01",
  reply: "M4 4h12v9H9l-4 3.5V13H4z",
  send: "M4 10 17 4l-3.5 13-3-5.5zM10.5 11.500 17 4",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4m4 9 4 4",
  eye: "M2.500 10S5.500 5 10 5s7.500 5 7.500 5-3 5-7.500 5-7.500-5-7.500-5m7.500-2a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  home: "M3.500 9.500 10 4l6.500 5.500V16h-4.500v-4H8v4H3.500z",
  people: "M7.500 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5M3 16c0-3 2-4.500 4.500-4.500S12 13 12 16m1-11.300a2.500 2.500 0 0 1 0 4.600m1.500 2.400c1.600.6 2.500 2.200 2.500 4.300",
  bell: "M10 3.500c-3 0-4.500 2-4.500 4.500 0 4-1.500 5-1.500 6h12c0-1-1.500-2-1.500-6 0-2.500-1.500-4.500-4.500-4.500M8.500 16.500h3",
  menu: "M3 5.500h14M3 10h14M3 14.500h14",
  theme: "M10 3.500a6.500 6.500 0 1 0 0 13zM10 3.500a6.500 6.500 0 0 1 0 13",
  gear: "M4 6h7M15 6h1M4 10h2M10 10h6M4 14h8M16 14h0M13 4.500v3M8 8.500v3M14 12.500v3",
  warning: "M10 3.500 17.500 16.500h-15zM10 8.500v3.500M10 14.200v.01",
  info: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 9v5M10 6.500v.01",
  check: "M4 10.500 8.500 15 16 6",
  clock: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 6v4.200l3 1.800",
  tab: "M8 4H4v12h12v-4M11 4h5v5M16 4l-7 7",
};

/** Make an element: `class`, `on` (event → listener), `data`, attributes (with - or as named), else properties. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "on") for (const [kind, listener] of Object.entries(value)) node.addEventListener(kind, listener);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name.includes("-") || name === "role" || name === "for" || name === "list") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Draw one of our own icons; they say nothing to a screen reader. */
export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 20 20", width: size, height: size, "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  svg.classList.add("icon");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Put children in the place of what an element holds. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/**
 * Bring a list up to date without touching what did not change: focus, scrolling and open details stay.
 * What is drawn anew gets the focus back on the element of the same name.
 */
export function keyed(parent, items, key, sign, draw) {
  const known = parent.keyed ?? new Map();
  const now = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const name = key(item);
    const signature = sign(item);
    const old = known.get(name);
    let node = old?.node;
    let focused;
    if (!old || old.signature !== signature) {
      node = draw(item);
      if (old?.node.open) node.open = true;
      if (old) {
        focused = focusedIn(old.node);
        if (place === old.node) place = old.node.nextSibling;
        old.node.remove();
      }
    }
    now.set(name, { signature, node });
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
    if (focused) node.querySelector(`[data-element="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  for (const [name, { node }] of known) if (!now.has(name)) node.remove();
  parent.keyed = now;
}

/** Name the element inside another one that has the keyboard, as its successor is named. */
function focusedIn(node) {
  return node.contains(document.activeElement) ? document.activeElement.dataset.element : undefined;
}

let count = 0;

/** Make an id that no other element has. */
export function freshId(word) {
  count += 1;
  return `${word}-${count}`;
}
