// Interactive elements. What a person does with one goes to the fakes, which hold to the rules of Slack's client.

import { combobox } from "./combobox.js";
import { confirmed } from "./dialog.js";
import { h } from "./dom.js";
import { channelName, store, user } from "./store.js";
import { bare } from "./text.js";

export const ELEMENTS = {
  button,
  checkboxes,
  conversations_select,
  datepicker,
  email_text_input: plain_text_input,
  external_select,
  multi_conversations_select: conversations_select,
  multi_external_select: external_select,
  multi_static_select: static_select,
  multi_users_select: users_select,
  number_input,
  overflow,
  plain_text_input,
  radio_buttons,
  static_select,
  timepicker,
  url_text_input: plain_text_input,
  users_select,
};

const described = (where) => ({
  "aria-describedby": where.ids && `${where.ids.error} ${where.ids.hint}`,
  "aria-label": where.ids ? null : "Value",
});

function button(block, element, where) {
  const press = async () => {
    if (element.url) window.open(element.url, "_blank", "noreferrer,noopener");
    if (element.confirm && !(await confirmed(element.confirm))) return;
    node.classList.add("busy");
    await where.press(block, element);
    node.classList.remove("busy");
  };
  const classes = `button ${element.style ?? ""}`.trim();
  const node = h("button", { type: "button", class: classes, "aria-label": element.accessibility_label, data: { element: element.action_id }, on: { click: press } }, bare(element.text));
  return node;
}

function overflow(block, element, where) {
  const options = element.options.map((option) =>
    h("button", { type: "button", class: "menu-item", on: { click: () => where.press(block, element, option.value) } }, bare(option.text)),
  );
  return h("details", { class: "overflow" }, h("summary", { class: "button", "aria-label": "More options" }, "⋯"), h("div", { class: "menu" }, options));
}

function plain_text_input(block, element, where) {
  const held = where.held(block, element) ?? "";
  const enter = (event) => where.enter(block, element, { do: "type", value: event.target.value }, { soon: true });
  const props = {
    id: where.ids?.control,
    class: "field",
    value: held,
    placeholder: bare(element.placeholder),
    on: { input: enter },
    ...described(where),
    data: { element: element.action_id },
    required: !block.optional,
    autocomplete: "off",
    spellcheck: false,
  };
  if (!element.multiline) return h("input", { type: "text", ...props });
  const area = h("textarea", { rows: 4, ...props });
  const counter = element.max_length <= 1000 && h("span", { class: "counter", "aria-hidden": "true" });
  const count = () => counter && (counter.textContent = String(element.max_length - area.value.length));
  area.addEventListener("input", count);
  count();
  return h("div", { class: "counted" }, area, counter);
}

function number_input(block, element, where) {
  const node = plain_text_input(block, { ...element, multiline: false }, where);
  node.inputMode = element.is_decimal_allowed ? "decimal" : "numeric";
  return node;
}

function timepicker(block, element, where) {
  const enter = (event) => {
    const value = event.target.value;
    where.enter(block, element, value ? { do: "set_time", value } : { do: "clear" });
  };
  const picker = h("input", {
    type: "time", id: where.ids?.control, class: "field time", value: where.held(block, element) ?? "", on: { change: enter },
    data: { element: element.action_id }, ...described(where),
  });
  return h("div", { class: "time-row" }, picker, element.timezone && h("span", { class: "zone" }, element.timezone));
}

function datepicker(block, element, where) {
  const value = where.held(block, element) ?? "";
  return h("input", { type: "date", id: where.ids?.control, class: "field time", value, readOnly: true, ...described(where) });
}

function choices(kind, block, element, where, label) {
  const held = [where.held(block, element) ?? []].flat().map((option) => option.value);
  const name = `${where.key}/${block.block_id}`;
  const choose = () => {
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    where.enter(block, element, { do: "choose", value: kind === "radio" ? chosen[0] : chosen });
  };
  const boxes = element.options.map((option) =>
    h("input", { type: kind, name, value: option.value, checked: held.includes(option.value), on: { change: choose }, data: { element: `${element.action_id}/${option.value}` } }),
  );
  const rows = element.options.map((option, index) => h("label", { class: "choice" }, boxes[index], h("span", {}, bare(option.text))));
  const labelled = where.ids ? { "aria-labelledby": `${where.ids.control}-label` } : { "aria-label": label };
  return h("div", { class: "choices", role: kind === "radio" ? "radiogroup" : "group", ...labelled }, rows);
}

function radio_buttons(block, element, where, label) {
  return choices("radio", block, element, where, label);
}

function checkboxes(block, element, where, label) {
  return choices("checkbox", block, element, where, label);
}

function select(block, element, where, offer, drawn = shown) {
  const multiple = element.type.startsWith("multi_");
  const choose = (value) => where.enter(block, element, value === null ? { do: "clear" } : { do: "choose", value });
  return combobox({
    id: where.ids?.control,
    name: element.action_id,
    described: described(where),
    placeholder: bare(element.placeholder) || (multiple ? "Select options" : "Select an option"),
    multiple,
    clearable: Boolean(block.optional) || multiple,
    choose,
    selected: [where.held(block, element) ?? []].flat().map(drawn),
    ...offer,
  });
}

const shown = (option) => ({ value: option.value, text: bare(option.text) });

function static_select(block, element, where) {
  const options = (element.options ?? element.option_groups.flatMap((group) => group.options)).map(shown);
  return select(block, element, where, { options });
}

function external_select(block, element, where) {
  const least = element.min_query_length ?? 3;
  const load = async (typed) => {
    if (typed.length < least) return [];
    const answer = await where.enter(block, element, { do: "suggest", value: typed });
    return (answer.options ?? []).map(shown);
  };
  return select(block, element, where, { load });
}

function conversations_select(block, element, where) {
  const kinds = { channels: "public", groups: "private", im: "im" };
  const wanted = element.filter?.include ?? Object.values(kinds);
  const options = store.sight.channels
    .filter((one) => wanted.includes(kinds[one.kind]) && !one.archived && !(element.filter?.exclude_external_shared_channels && one.shared))
    .map((one) => place(one.id));
  return select(block, element, where, { options }, place);
}

const place = (id) => {
  const channel = store.sight.channels.find((one) => one.id === id);
  const mark = channel?.kind === "groups" ? "🔒" : "#";
  return { value: id, text: channel?.kind === "im" ? store.setting.bot.name : `${mark} ${channelName(id) || id}` };
};

function users_select(block, element, where) {
  const one = (id) => ({ value: id, text: user(id).real_name });
  return select(block, element, where, { options: Object.keys(store.setting.users).map(one) }, one);
}

