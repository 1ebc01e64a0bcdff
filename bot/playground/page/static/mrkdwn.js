// Slack's mrkdwn as nodes: emphasis, code, quotes, links, mentions, dates.

import { h } from "./dom.js";
import { channelName, store, user } from "./store.js";
import { written } from "./when.js";

const EMOJI = { warning: "⚠️", white_check_mark: "✅", x: "❌", wave: "👋", tada: "🎉", eyes: "👀", "+1": "👍", lock: "🔒" };

const RULES = [
  [/```([\s\S]+?)```/, (m) => h("pre", { class: "code-block" }, unescaped(m[1].replace(/^\n/, "")))],
  [/`([^`\n]+)`/, (m) => h("code", {}, unescaped(m[1]))],
  [/<([^<>\n]+)>/, (m) => angled(m[1])],
  [/(?<![\p{L}\p{N}])\*([^*\n]+)\*(?![\p{L}\p{N}])/u, (m) => h("b", {}, inline(m[1]))],
  [/(?<![\p{L}\p{N}])_([^_\n]+)_(?![\p{L}\p{N}])/u, (m) => h("i", {}, inline(m[1]))],
  [/(?<![\p{L}\p{N}])~([^~\n]+)~(?![\p{L}\p{N}])/u, (m) => h("s", {}, inline(m[1]))],
  [/:([a-z0-9_+-]+):/, (m) => EMOJI[m[1]] ?? m[0]],
];

export function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Return the nodes of a mrkdwn text. */
export function mrkdwn(text) {
  const parts = [];
  let quoted = [];
  const close = () => {
    if (quoted.length) parts.push(h("blockquote", {}, inline(quoted.join("\n"))));
    quoted = [];
  };
  let running = [];
  const flow = () => {
    if (running.length) parts.push(...inline(running.join("\n")));
    running = [];
  };
  for (const line of text.split("\n")) {
    const quote = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quote) {
      flow();
      quoted.push(quote[1]);
    } else {
      close();
      running.push(line);
    }
  }
  flow();
  close();
  return parts;
}

function inline(text) {
  let first = null;
  for (const [pattern, draw] of RULES) {
    const match = pattern.exec(text);
    if (match && (first === null || match.index < first.match.index)) first = { match, draw };
  }
  if (first === null) return lines(unescaped(text));
  const { match, draw } = first;
  return [
    ...lines(unescaped(text.slice(0, match.index))),
    draw(match),
    ...inline(text.slice(match.index + match[0].length)),
  ];
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line])).filter((part) => part !== "");
}

function angled(inside) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith("@")) return mention(target.slice(1));
  if (target.startsWith("#")) return channelLink(target.slice(1));
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9));
  if (target.startsWith("!date^")) {
    const [, at, pattern] = target.split("^");
    return h("time", { title: label ?? "" }, written(Number(at), pattern));
  }
  if (target.startsWith("!")) return h("span", { class: "mention mine" }, `@${target.slice(1)}`);
  return link(target, label && unescaped(label));
}

export function mention(id) {
  const mine = id === store.me;
  return h("span", { class: mine ? "mention mine" : "mention", title: user(id).name }, `@${user(id).real_name}`);
}

export function groupMention(id) {
  return h("span", { class: "mention" }, `@${store.setting.groups[id] ?? id}`);
}

export function channelLink(id) {
  const name = channelName(id);
  return h("span", { class: "mention" }, name ? `#${name}` : "🔒 private channel");
}

/** A link; one to a message of this workspace takes the page there instead of out. */
export function link(target, label) {
  const url = unescaped(target);
  const place = url.match(/\/archives\/(\w+)\/p(\d+)(\d{6})/);
  if (place) {
    const go = () => document.dispatchEvent(new CustomEvent("goto", { detail: { channel: place[1], ts: `${place[2]}.${place[3]}` } }));
    return h("button", { class: "link", type: "button", on: { click: go } }, label ?? url);
  }
  if (!/^(https?:|mailto:)/.test(url)) return label ?? url;
  return h("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, label ?? url);
}
