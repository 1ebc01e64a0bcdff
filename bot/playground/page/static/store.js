// What the page knows: the setting, what the acting person sees, the other side, and where on the page they are.

export const store = {
  setting: null,
  /** user id of the person this tab acts as */
  me: "",
  sight: null,
  behind: null,
  /** id of the channel shown */
  channel: "",
  /** ts of the message whose thread is open, "" for none */
  thread: "",
  /** whether the app's home tab is shown instead of its messages */
  home: false,
  /** channel id → ts of the last message seen, by person */
  seen: JSON.parse(sessionStorage.getItem("seen") ?? "{}"),
};

const listeners = new Set();

/** Have `listener` called after every change. */
export function subscribe(listener) {
  listeners.add(listener);
}

/** Change the store and have everything redrawn that depends on it. */
export function update(changes) {
  Object.assign(store, changes);
  for (const listener of listeners) listener();
}

/** The channel shown, undefined before the first sight of it. */
export function here() {
  return store.sight?.channels.find((channel) => channel.id === store.channel);
}

export function user(id) {
  return store.setting.users[id] ?? { id, name: id, real_name: id, kind: "member", tz: "UTC" };
}

/** What people call a channel, "" for one this person cannot know of. */
export function channelName(id) {
  return store.sight?.names[id] ?? "";
}

/** IANA name of the acting person's time zone: times are theirs, not this machine's. */
export function zone() {
  return user(store.me).tz;
}

/** Remember that the channel shown was read up to its last message. */
export function readUpToHere() {
  const mine = (store.seen[store.me] ??= {});
  for (const channel of store.sight.channels) {
    const last = channel.messages.at(-1)?.ts ?? "0";
    if (channel.id === store.channel || !(channel.id in mine)) mine[channel.id] = last;
  }
  sessionStorage.setItem("seen", JSON.stringify(store.seen));
}

export function unread(channel) {
  const seen = store.seen[store.me]?.[channel.id] ?? "0";
  return channel.messages.filter((message) => message.ts > seen && message.user !== store.me).length;
}
