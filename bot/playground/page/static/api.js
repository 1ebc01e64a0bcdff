// The page's only way out: acts of the acting person, upsets of DBS, one stream of what there is to see.

import { store, update } from "./store.js";
import { toast } from "./toast.js";

const LOST = "The playground does not answer. Is the command in the terminal still running?";

async function ask(path, body) {
  const asked = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, asked);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Do something as the acting person; what the client would not allow comes back as `blocked` and `marks`. */
export async function act(what) {
  try {
    return await ask("/act", { as: store.me, ...what });
  } catch (error) {
    toast(error instanceof TypeError ? LOST : error.message);
    return { ok: false, marks: {} };
  }
}

export async function upset(name, plan) {
  try {
    await ask("/upset", { name, plan });
  } catch (error) {
    toast(error instanceof TypeError ? LOST : error.message);
  }
}

export const loadSetting = () => ask("/setting");
export const loadPayload = (name) => ask(`/payload/${name}`);

let stream = null;

/** Follow what one person sees, from now on. */
export function follow(person) {
  stream?.close();
  stream = new EventSource(`/sight?as=${encodeURIComponent(person)}`);
  const mine = stream;
  const take = (name) => (event) => {
    if (stream === mine) update({ [name]: JSON.parse(event.data), lost: false });
  };
  stream.addEventListener("sight", take("sight"));
  stream.addEventListener("behind", take("behind"));
  stream.addEventListener("error", () => stream === mine && update({ lost: true }));
}
