/** The demo page: people pass one browser around, and `referrals.js` does the rest. */

import { createReferrals } from "../mimivibes/referrals.js";
import * as backend from "./backend.js";
import { $, avatar, h, inWords, purse } from "./dom.js";
import { outage, screen } from "./screen.js";
import { clearLog, loggedFetch, show as showLog } from "./wire.js";

const { session } = backend;
const referrals = createReferrals({ getToken: session.getToken, fetch: loggedFetch });
const offers = new Map();
let latest = 0;

const act = {
  refresh,
  signInNewcomer: () => doing(async () => signIn(await backend.newName())),
  signOut: () => doing(async () => {
    const { person } = session;
    session.signOut();
    tell("plain", `${person} has signed out. The phone is free for the next.`);
  }),
  signIn: (name) => doing(() => signIn(name)),
  claim: () => doing(claim),
  forget: () => doing(async () => {
    await referrals.forget();
    tell("plain", "The invitation is forgotten.");
  }),
  completeReading: () => doing(async () => {
    const { attribution_status: status } = await backend.completeReading(session.person);
    tell("good", status === "rewarded"
      ? "The reading is complete. Whoever invited you has been thanked."
      : "The reading is complete.");
  }),
  copy: async (text) => {
    await navigator.clipboard.writeText(text).then(
      () => tell("good", "The link is copied."),
      () => tell("bad", "The browser does not let the page copy; select the link instead."),
    );
  },
};

async function signIn(name) {
  session.signIn(name);
  tell("plain", `${name} is signed in.`);
  showPhone();
  if ($("auto-claim").checked) await claim();
}

async function claim() {
  const { attribution } = await referrals.claim();
  if (!attribution) return tell("plain", `No invitation waits for ${session.person}.`);
  const { referrer, referee_reward: reward, status } = attribution;
  const words = `${session.person} was invited by ${referrer.display_name}`;
  return tell("good", status === "held" ? `${words}. Staff look at it first.` : `${words}: ${inWords(reward)}.`);
}

/** Do something at the phone, then show how things stand; a refusal is told, not thrown. */
async function doing(work) {
  showBusy(true);
  try {
    await work();
  } catch (error) {
    tell("bad", error.message);
  }
  await refresh();
}

async function refresh() {
  const turn = ++latest;
  showBusy(true);
  const [shown, cast] = await Promise.allSettled([readPhone(), backend.people(session.newcomers)]);
  if (turn !== latest) return; // somebody has acted meanwhile
  const state = { ...shown.value, names: cast.value?.map(({ name }) => name) ?? [] };
  $("app").replaceChildren(...(shown.value ? screen(state, act) : [outage(act)]));
  if (cast.value) $("people").replaceChildren(...cast.value.map(personCard));
  showBusy(false);
}

function showBusy(isBusy) {
  for (const part of [$("people"), $("screen")]) part.ariaBusy = String(isBusy);
}

async function readPhone() {
  const { person } = session;
  const [me, status, capture] = await Promise.all([
    person && referrals.me(), person && referrals.status(), referrals.current(),
  ]);
  return { person, me, status, capture, offer: capture && await offerOf(capture.code) };
}

async function offerOf(code) {
  if (!offers.has(code)) offers.set(code, await referrals.validate(code).catch(() => null));
  return offers.get(code);
}

function personCard({ name, about, referral_code: code, balances, attribution }) {
  const isHere = name === session.person;
  return h("li.person", { ariaCurrent: isHere ? "true" : null },
    avatar(name),
    h("p.name", {}, h("b", {}, name),
      h("small", {}, isHere ? "signed in here" : balances && purse(balances))),
    h("p.about", {}, attribution
      ? `Invited by ${attribution.referrer.display_name} · ${attribution.status}`
      : about),
    h("div.actions", {},
      !isHere && h("button.button", { type: "button", onclick: () => act.signIn(name) },
        "Sign in", h("span.unseen", {}, ` as ${name}`)),
      code && h("a.button.quiet", { href: `/?ref=${code}` },
        "Open link", h("span.unseen", {}, ` of ${name}`))));
}

const showPhone = () => $("phone").scrollIntoView({ block: "nearest" });

function tell(kind, text) {
  $("notice").className = `notice ${kind}`;
  $("notice").textContent = text;
}

function tellOpened({ outcome, error }) {
  if (outcome === "stored") tell("good", session.person
    ? `The invitation is ${session.person}’s now.`
    : "The invitation waits in this browser.");
  if (outcome === "refused") tell("bad", error.message);
  if (outcome === "failed") tell("bad", `${error.message} The code is still in the address bar.`);
}

$("newcomer").addEventListener("click", act.signInNewcomer);
$("new-browser").addEventListener("click", () => doing(async () => {
  await backend.newBrowser();
  session.signOut();
  tell("plain", "This is a new phone: nobody has held it before.");
}));
$("clear-log").addEventListener("click", clearLog);
$("auto-claim").checked = localStorage.getItem("demo-auto-claim") !== "off";
$("auto-claim").addEventListener("change", ({ target }) =>
  localStorage.setItem("demo-auto-claim", target.checked ? "on" : "off"));
addEventListener("storage", ({ key }) => key === "demo-person" && refresh());

showLog();
const opening = referrals.start();
await refresh();
tellOpened(await opening);
if ((await opening).outcome !== "none") {
  await refresh();
  showPhone();
}
document.documentElement.dataset.ready = "";
