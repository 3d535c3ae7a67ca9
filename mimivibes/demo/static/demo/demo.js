/** The demo page: people pass one browser around, and `referrals.js` does the rest. */

import { createReferrals } from "../mimivibes/referrals.js";
import * as backend from "./backend.js";
import { $, avatar, fill, h, inWords, purse } from "./dom.js";
import { STATUS, outage, screen } from "./screen.js";
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
    tell("plain", fill(gettext("%(person)s has signed out. The phone is free for the next."), { person }));
  }),
  signIn: (name) => doing(() => signIn(name)),
  claim: () => doing(claim),
  forget: () => doing(async () => {
    await referrals.forget();
    tell("plain", gettext("The invitation is forgotten."));
  }),
  completeReading: () => doing(async () => {
    const { attribution_status: status } = await backend.completeReading(session.person);
    tell("good", status === "rewarded"
      ? gettext("The reading is complete. Whoever invited you has been thanked.")
      : gettext("The reading is complete."));
  }),
  copy: async (text) => {
    await navigator.clipboard.writeText(text).then(
      () => tell("good", gettext("The link is copied.")),
      () => tell("bad", gettext("The browser does not let the page copy; select the link instead.")),
    );
  },
};

async function signIn(name) {
  session.signIn(name);
  tell("plain", fill(gettext("%(name)s is signed in."), { name }));
  showPhone();
  if ($("auto-claim").checked) await claim();
}

async function claim() {
  const { attribution } = await referrals.claim();
  const { person } = session;
  if (!attribution) return tell("plain", fill(gettext("No invitation waits for %(person)s."), { person }));
  const { referrer, referee_reward: reward, status } = attribution;
  const sentence = status === "held"
    ? gettext("%(person)s was invited by %(referrer)s. Staff look at it first.")
    : gettext("%(person)s was invited by %(referrer)s: %(reward)s.");
  const values = { person, referrer: referrer.display_name, reward: inWords(reward) };
  return tell("good", fill(sentence, values));
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
      h("small", {}, isHere ? gettext("signed in here") : balances && purse(balances))),
    h("p.about", {}, attribution
      ? fill(gettext("Invited by %(name)s · %(status)s"), {
        name: attribution.referrer.display_name, status: STATUS[attribution.status],
      })
      : about),
    h("div.actions", {},
      !isHere && h("button.button", { type: "button", onclick: () => act.signIn(name) },
        gettext("Sign in"), h("span.unseen", {}, " ", fill(gettext("as %(who)s"), { who: name }))),
      code && h("a.button.quiet", { href: `/?ref=${code}` },
        gettext("Open link"), h("span.unseen", {}, " ", fill(gettext("of %(name)s"), { name })))));
}

const showPhone = () => $("phone").scrollIntoView({ block: "nearest" });

function tell(kind, text) {
  $("notice").className = `notice ${kind}`;
  $("notice").textContent = text;
}

function tellOpened({ outcome, error }) {
  if (outcome === "stored") tell("good", session.person
    ? fill(gettext("The invitation is %(person)s’s now."), { person: session.person })
    : gettext("The invitation waits in this browser."));
  if (outcome === "refused") tell("bad", error.message);
  if (outcome === "failed") tell("bad", 
    fill(gettext("%(fault)s The code is still in the address bar."), { fault: error.message }));
}

$("newcomer").addEventListener("click", act.signInNewcomer);
$("new-browser").addEventListener("click", () => doing(async () => {
  await backend.newBrowser();
  session.signOut();
  tell("plain", gettext("This is a new phone: nobody has held it before."));
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
