// The page from the start: whose Slack it is, what is drawn when something changes, and where the hints lead.

import { follow, loadSetting } from "./api.js";
import { drawBehind, showBehind } from "./behind.js";
import { drawChannel, showMessage, typeInto } from "./channel.js";
import { drawModal } from "./modal.js";
import { drawPlaybar, setTheme } from "./playbar.js";
import { drawSidebar, show } from "./sidebar.js";
import { store, subscribe, update } from "./store.js";
import { drawThread } from "./thread.js";
import { toast } from "./toast.js";

const WIDE = 1180;
const REGIONS = ["playbar", "sidebar", "channel", "thread", "behind"];

setTheme(localStorage.getItem("theme") ?? "auto");
store.setting = await loadSetting();
const asked = new URLSearchParams(location.search).get("as");
subscribe(draw);
showBehind((localStorage.getItem("behind") ?? (window.innerWidth >= WIDE ? "yes" : "no")) === "yes" && window.innerWidth >= WIDE);
actAs(store.setting.people.some((one) => one.id === asked) ? asked : store.setting.people[0].id);

document.addEventListener("goto", ({ detail }) => {
  const channel = store.sight.channels.find((one) => one.id === detail.channel);
  if (channel) show(channel.id);
  const message = channel?.messages.find((one) => one.ts === detail.ts);
  if (message && (message.thread_ts ?? message.ts) !== message.ts) update({ thread: message.thread_ts });
  requestAnimationFrame(() => showMessage(detail.ts));
});
document.addEventListener("behind", () => draw());
matchMedia(`(width < ${WIDE}px)`).addEventListener("change", ({ matches }) => matches && showBehind(false));
document.addEventListener("keydown", (event) => {
  if (event.key !== "F6") return;
  event.preventDefault();
  const open = REGIONS.map((id) => document.getElementById(id)).filter((one) => one.offsetParent !== null || one.id === "playbar");
  const at = open.findIndex((one) => one.contains(document.activeElement));
  open[(at + (event.shiftKey ? open.length - 1 : 1)) % open.length].focus();
});

function actAs(person) {
  history.replaceState(null, "", `?as=${person}`);
  update({ me: person, sight: null, thread: "", home: false });
  follow(person);
}

let told = null;
/** What a hint asked for and can be done only once the other person's Slack is there. */
let later = null;

function draw() {
  if (!store.sight) return;
  const { channels, notices, me } = store.sight;
  if (!channels.some((one) => one.id === store.channel)) store.channel = channels[0]?.id ?? "";
  if (told?.me === me) for (const notice of notices.slice(told.count)) toast(notice);
  told = { me, count: notices.length };
  document.title = `${store.setting.users[me].real_name} – playground`;
  drawPlaybar(go, () => showBehind(!document.body.classList.contains("shows-behind")));
  drawChannel();
  drawSidebar();
  drawThread();
  drawModal();
  if (store.behind) drawBehind();
  const now = later;
  later = null;
  if (now) go(now);
}

/** Do what a button of the hints says. */
function go(step) {
  if (step.as && step.as !== store.me) {
    later = { ...step, as: "" };
    actAs(step.as);
    return;
  }
  if (step.channel && store.channel !== step.channel) show(step.channel);
  if (step.thread) update({ thread: step.thread });
  if (step.type) typeInto(step.type);
}
