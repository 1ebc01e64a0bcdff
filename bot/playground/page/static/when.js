// Moments as Slack shows them: in the reader's own time zone, with its words for days that are near.

import { zone } from "./store.js";

const DAY = 86_400_000;

function format(at, options) {
  return new Intl.DateTimeFormat("en-US", { timeZone: zone(), ...options }).format(at);
}

const day = (at) => format(at, { year: "numeric", month: "2-digit", day: "2-digit" });

function near(at) {
  const words = [["Today", 0], ["Yesterday", -DAY], ["Tomorrow", DAY]];
  return words.find(([, shift]) => day(new Date(Date.now() + shift)) === day(at))?.[0];
}

const ordinal = (number) => {
  const last = number % 100 > 10 && number % 100 < 14 ? 0 : number % 10;
  return `${number}${["th", "st", "nd", "rd"][last] ?? "th"}`;
};

const TOKENS = {
  date_num: (at) => day(at),
  date: (at) => `${format(at, { month: "long" })} ${ordinal(Number(format(at, { day: "numeric" })))}, ${format(at, { year: "numeric" })}`,
  date_short: (at) => format(at, { month: "short", day: "numeric", year: "numeric" }),
  date_long: (at) => format(at, { weekday: "long", month: "long", day: "numeric", year: "numeric" }),
  date_pretty: (at) => near(at) ?? TOKENS.date(at),
  date_short_pretty: (at) => near(at) ?? TOKENS.date_short(at),
  date_long_pretty: (at) => near(at) ?? TOKENS.date_long(at),
  time: (at) => format(at, { hour: "numeric", minute: "2-digit" }),
  time_secs: (at) => format(at, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
};

/** Write a moment (seconds since 1970) by Slack's tokens; a near day is capitalised at the beginning only. */
export function written(seconds, pattern) {
  const at = new Date(seconds * 1000);
  return pattern.replace(/\{(\w+)\}/g, (whole, token, index) => {
    const text = TOKENS[token]?.(at) ?? whole;
    return index > 0 && near(at) === text ? text.toLowerCase() : text;
  });
}

export const clock = (ts) => written(Number(ts), "{time}");
export const exact = (ts) => written(Number(ts), "{date_long} at {time_secs}");
export const dayOf = (ts) => near(new Date(ts * 1000)) ?? format(new Date(ts * 1000), { weekday: "long", month: "long", day: "numeric" });

/** The time of this machine, to the second: what happens behind the scenes happens in nobody's time zone. */
export const seconds = (ts) => new Date(ts * 1000).toLocaleTimeString("en-GB");
