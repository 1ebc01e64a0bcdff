// rich_text: text whose formatting is data, so that nothing in it can be taken for markup.

import { h } from "./dom.js";
import { channelLink, groupMention, link, mention } from "./mrkdwn.js";
import { written } from "./when.js";

export const RICH_PARTS = {
  rich_text_section: (part) => h("div", { class: "rich-section" }, part.elements.map(inline)),
  rich_text_quote: (part) => h("blockquote", {}, part.elements.map(inline)),
  rich_text_preformatted: (part) => h("pre", { class: "code-block" }, part.elements.map(inline)),
  rich_text_list: (part) =>
    h(
      part.style === "ordered" ? "ol" : "ul",
      { class: `rich-list indent-${part.indent ?? 0}` },
      part.elements.map((item) => h("li", {}, item.elements.map(inline))),
    ),
};

export const RICH_ELEMENTS = {
  text: (element) => styled(element.text, element.style),
  link: (element) => styled(link(element.url, element.text), element.style),
  user: (element) => mention(element.user_id),
  usergroup: (element) => groupMention(element.usergroup_id),
  channel: (element) => channelLink(element.channel_id),
  emoji: (element) => `:${element.name}:`,
  date: (element) => h("time", { title: element.fallback ?? "" }, written(element.timestamp, element.format)),
  broadcast: (element) => h("span", { class: "mention mine" }, `@${element.range}`),
};

const STYLES = { bold: "b", italic: "i", strike: "s", code: "code" };

export function richText(block) {
  return block.elements.map((part) => RICH_PARTS[part.type]?.(part) ?? unrendered(part.type));
}

function inline(element) {
  return RICH_ELEMENTS[element.type]?.(element) ?? unrendered(element.type);
}

function styled(content, style = {}) {
  const lines = typeof content === "string" ? content.split("\n").flatMap((line, at) => (at ? [h("br"), line] : [line])) : [content];
  return Object.keys(STYLES)
    .filter((name) => style[name])
    .reduce((inner, name) => [h(STYLES[name], {}, inner)], lines);
}

/** Stand in, visibly, for something there is no drawing of. */
export function unrendered(type) {
  return h("div", { class: "unrendered" }, `The playground cannot draw “${type}”.`);
}
