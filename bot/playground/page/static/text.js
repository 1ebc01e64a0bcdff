// Text objects: the four kinds in which Block Kit holds a piece of text.

import { h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText, unrendered } from "./richtext.js";

export const TEXTS = {
  plain_text: (text) => lines(text.text),
  mrkdwn: (text) => mrkdwn(text.text),
  raw_text: (text) => lines(text.text),
  rich_text: (text) => richText(text),
};

/** Return the nodes of a text object. */
export function words(text) {
  return TEXTS[text.type]?.(text) ?? [unrendered(text.type)];
}

/** Return a text object as a plain string, for labels that only hold one. */
export function bare(text) {
  return text?.text ?? "";
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line]));
}
