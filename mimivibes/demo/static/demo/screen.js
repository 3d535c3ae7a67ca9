/** What the phone shows: pure functions from state to elements. */

import { avatar, fromNow, h, inWords } from "./dom.js";

const STEPS = ["pending", "qualified", "rewarded"];
const MEANING = {
  held: "Staff look at it first, for instance because both have used this phone.",
  pending: "Waits for the first completed reading.",
  qualified: "Earned; it is paid when the waiting time is over.",
  rewarded: "Both have their reward.",
  rejected: "Staff have refused it. Nobody was paid.",
  reversed: "Staff have undone it, and its rewards.",
};

export function screen({ person, me, status, capture, offer, names }, act) {
  if (!person) return [who(null, act), ticket(null, capture, offer, act), passOn(names, act)];
  return [
    who(person, act),
    capture || !me?.attribution ? ticket(person, capture, offer, act) : null,
    me && wallet(me),
    me?.attribution && invitedBy(me.attribution),
    h("button.button.primary.large.wide", { type: "button", onclick: act.completeReading },
      "Complete a reading"),
    status && share(status, act),
    status && numbers(status),
    status?.recent.length ? friends(status.recent) : null,
  ].filter(Boolean);
}

export function outage(act) {
  return h("div.ticket.empty", {},
    h("h3", {}, "The server cannot be reached"),
    h("p", {}, "Nothing is lost: a code that was opened is still in the address bar."),
    h("div.actions", {},
      h("button.button.primary", { type: "button", onclick: act.refresh }, "Try again")));
}

function who(person, act) {
  return h("div.who", {},
    avatar(person),
    person
      ? h("p", {}, "Signed in", h("strong", {}, person))
      : h("p", {}, "A visitor", h("strong", {}, "Nobody is signed in")),
    person && h("button.button", { type: "button", onclick: act.signOut }, "Sign out"));
}

function passOn(names, act) {
  return h("section.pass", { ariaLabel: "Pass the phone to" },
    h("h3", {}, "Pass the phone to"),
    h("div.chips", {},
      names.map((name) =>
        h("button.button.chip", { type: "button", onclick: () => act.signIn(name) },
          avatar(name), name)),
      h("button.button.chip", { type: "button", onclick: act.signInNewcomer },
        h("span.avatar.tone-none", { ariaHidden: "true" }, "+"), "Someone new")));
}

function ticket(person, capture, offer, act) {
  if (!capture) {
    return h("div.ticket.empty", {},
      h("h3", {}, "No invitation here"),
      h("p", {}, person ? `${person} has opened nobody’s link.` : "Open somebody’s link, and it waits here."));
  }
  const inviter = offer?.referrer.display_name ?? "A friend";
  return h("div.ticket", {},
    h("h3", {}, `${inviter} invites you`),
    h("p.code.mono", {}, capture.code),
    offer && h("p", {}, `You receive ${inWords(offer.rewards.referee)}. `,
      `${inviter} receives ${inWords(offer.rewards.referrer)} after your first reading.`),
    h("p.scope", {}, scopeOf(person, capture)),
    h("div.actions", {},
      person && h("button.button.primary", { type: "button", onclick: act.claim }, "Claim it"),
      h("button.button.quiet", { type: "button", onclick: act.forget }, "Forget it")));
}

function scopeOf(person, { scope, expires_at }) {
  const whose = scope === "user"
    ? `It belongs to ${person} alone`
    : "It waits for whoever signs in next at this browser";
  return `${whose}, and expires ${fromNow(expires_at)}.`;
}

function wallet({ balances, credits }) {
  const names = { stars: "Stars", free_points: "Free points", coins: "Coins", exp: "Exp" };
  return h("section", { ariaLabel: "Balances" },
    h("p.credits", {}, h("b", {}, credits), credits === 1 ? " credit" : " credits", " for readings"),
    h("dl.balances", {}, Object.entries(names).map(([currency, name]) =>
      h("div", {}, h("dt", {}, name), h("dd", { id: `balance-${currency}` }, balances[currency])))));
}

function invitedBy({ referrer, status }) {
  const reached = STEPS.indexOf(status);
  return h("section.invited", { ariaLabel: "Invited by" },
    h("div.row", {},
      h("span", {}, `Invited by ${referrer.display_name}`), h(`span.pill.${status}`, {}, status)),
    h("p.hint", {}, MEANING[status]),
    reached >= 0 && h("ol.track", { ariaHidden: "true" }, STEPS.map((step, index) =>
      h(index <= reached ? "li.done" : "li", {}, step))));
}

function share({ share_url }, act) {
  return h("section.share", { ariaLabel: "Your invitation" },
    h("img", {
      src: `/demo/qr?text=${encodeURIComponent(share_url)}`,
      alt: "QR code of your invitation link", width: 112, height: 112,
    }),
    h("div", {},
      h("h3", {}, "Invite a friend"),
      h("p.address.mono", {}, share_url.replace(/^https?:\/\//, ""))),
    h("button.button", { type: "button", onclick: () => act.copy(share_url) }, "Copy the link"));
}

function numbers({ stats, earned }) {
  return h("dl.stats", {},
    h("div", {}, h("dt", {}, "Friends"), h("dd", {}, stats.invited)),
    h("div", {}, h("dt", {}, "Rewarded"), h("dd", {}, stats.rewarded)),
    h("div", {}, h("dt", {}, "Coins earned"), h("dd", {}, earned.coins)));
}

function friends(recent) {
  return h("ul.friends", { ariaLabel: "Newest friends" }, recent.slice(0, 5).map((friend) =>
    h("li", {}, friend.display_name, h(`span.pill.${friend.status}`, {}, friend.status))));
}
