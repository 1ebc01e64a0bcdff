// Blocks, drawn as Slack draws them. A type that is missing here is shown as missing, and fails a test.

import { ELEMENTS } from "./elements.js";
import { freshId, h, icon } from "./dom.js";
import { richText, unrendered } from "./richtext.js";
import { bare, words } from "./text.js";

export const BLOCKS = {
  actions,
  alert,
  container,
  context,
  divider,
  header,
  image,
  input,
  rich_text,
  section,
  table,
};

const folded = new Map();

/** Draw blocks; `where` says what surface they are on and what happens to people's acts (see message and modal). */
export function drawBlocks(blocks, where) {
  return blocks.map((block, index) => {
    const draw = BLOCKS[block.type];
    return draw ? draw(block, where, index) : unrendered(block.type);
  });
}

export function drawElement(block, element, where, label = "") {
  const draw = ELEMENTS[element.type];
  return draw ? draw(block, element, where, label) : unrendered(element.type);
}

function header(block) {
  return h("h3", { class: "block header" }, words(block.text));
}

function divider() {
  return h("hr", { class: "block divider" });
}

function section(block, where) {
  return h(
    "div",
    { class: "block section" },
    h(
      "div",
      { class: "section-text" },
      block.text && h("div", { class: "text" }, words(block.text)),
      block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "text" }, words(field)))),
    ),
    block.accessory && h("div", { class: "accessory" }, drawElement(block, block.accessory, where)),
  );
}

function context(block) {
  const parts = block.elements.map((element) =>
    element.type === "image" ? pictureOf(element, "small") : h("span", { class: "text" }, words(element)),
  );
  return h("div", { class: "block context" }, parts);
}

function rich_text(block) {
  return h("div", { class: "block rich" }, richText(block));
}

function actions(block, where) {
  return h("div", { class: "block actions" }, block.elements.map((element) => drawElement(block, element, where)));
}

function image(block) {
  return h("figure", { class: "block" }, block.title && h("figcaption", {}, words(block.title)), pictureOf(block, "large"));
}

/** Nothing is fetched from outside, so a picture is what its description says. */
function pictureOf(element, size) {
  return h("span", { class: `picture ${size}`, role: "img", "aria-label": element.alt_text }, element.alt_text);
}

function alert(block) {
  const drawing = { error: "warning", warning: "warning", success: "check" }[block.level] ?? "info";
  const role = block.level === "error" ? "alert" : "note";
  return h("div", { class: `block alert ${block.level ?? "default"}`, role }, icon(drawing), h("div", { class: "text" }, words(block.text)));
}

function table(block) {
  const cell = (content, column, tag) => {
    const setting = block.column_settings?.[column] ?? {};
    const classes = [setting.is_wrapped ? "wraps" : "cuts", setting.align ?? "left"].join(" ");
    return h(tag, { class: classes, scope: tag === "th" ? "col" : null }, words(content));
  };
  const [first, ...rest] = block.rows;
  return h(
    "div",
    { class: "block table-frame", tabIndex: 0, role: "group", "aria-label": "Table" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, first.map((content, column) => cell(content, column, "th")))),
      h("tbody", {}, rest.map((row) => h("tr", {}, row.map((content, column) => cell(content, column, "td"))))),
    ),
  );
}

function container(block, where, index) {
  const name = `${where.key}/${index}`;
  const title = words(block.title ?? block.rich_text_title);
  const subtitle = block.subtitle && h("span", { class: "subtitle" }, words(block.subtitle));
  const inside = h("div", { class: "container-inside" }, drawBlocks(block.child_blocks, { ...where, key: name }));
  if (!block.is_collapsible) return h("div", { class: "block container" }, h("div", { class: "container-title" }, title, subtitle), inside);
  const open = folded.get(name) ?? !block.default_collapsed;
  const remember = (event) => folded.set(name, event.currentTarget.open);
  return h(
    "details",
    { class: "block container", open, on: { toggle: remember } },
    h("summary", { class: "container-title" }, icon("forward", 16), title, subtitle),
    inside,
  );
}

function input(block, where) {
  const id = freshId("input");
  const error = where.error(block);
  const element = drawElement(block, block.element, { ...where, ids: { control: id, hint: `${id}-hint`, error: `${id}-error` } }, bare(block.label));
  const isGroup = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const optional = block.optional && h("span", { class: "optional" }, " (optional)");
  const label = h(isGroup ? "div" : "label", { class: "label", id: `${id}-label`, for: isGroup ? null : id }, words(block.label), optional);
  return h(
    "div",
    { class: error ? "block input wrong" : "block input", data: { block: block.block_id } },
    label,
    element,
    h("div", { class: "complaint", id: `${id}-error`, role: "alert", hidden: !error }, error ? [icon("warning", 16), h("span", {}, error)] : []),
    block.hint && h("div", { class: "hint", id: `${id}-hint` }, words(block.hint)),
  );
}
