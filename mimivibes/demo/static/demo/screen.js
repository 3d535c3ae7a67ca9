/** What the phone shows: pure functions from state to elements. */

import { avatar, fill, fromNow, h, inWords } from "./dom.js";

const STEPS = ["pending", "qualified", "rewarded"];
export const STATUS = {
  held: gettext("held"),
  pending: gettext("pending"),
  qualified: gettext("qualified"),
  rewarded: gettext("rewarded"),
  rejected: gettext("rejected"),
  reversed: gettext("reversed"),
};
const MEANING = {
  held: gettext("Staff look at it first, for instance because both have used this phone."),
  pending: gettext("Waits for the first completed reading."),
  qualified: gettext("Earned; it is paid when the waiting time is over."),
  rewarded: gettext("Both have their reward."),
  rejected: gettext("Staff have refused it. Nobody was paid."),
  reversed: gettext("Staff have undone it, and its rewards."),
};

export function screen({ person, me, status, capture, offer, names }, act) {
  if (!person) return [who(null, act), ticket(null, capture, offer, act), passOn(names, act)];
  return [
    who(person, act),
    capture || !me?.attribution ? ticket(person, capture, offer, act) : null,
    me && wallet(me),
    me?.attribution && invitedBy(me.attribution),
    h("button.button.primary.large.wide", { type: "button", onclick: act.completeReading },
      gettext("Complete a reading")),
    status && share(status, act),
    status && numbers(status),
    status?.recent.length ? friends(status.recent) : null,
  ].filter(Boolean);
}

export function outage(act) {
  return h("div.ticket.empty", {},
    h("h3", {}, gettext("The server cannot be reached")),
    h("p", {}, gettext("Nothing is lost: a code that was opened is still in the address bar.")),
    h("div.actions", {},
      h("button.button.primary", { type: "button", onclick: act.refresh }, gettext("Try again"))));
}

function who(person, act) {
  return h("div.who", {},
    avatar(person),
    person
      ? h("p", {}, gettext("Signed in"), h("strong", {}, person))
      : h("p", {}, gettext("A visitor"), h("strong", {}, gettext("Nobody is signed in"))),
    person && h("button.button", { type: "button", onclick: act.signOut }, gettext("Sign out")));
}

function passOn(names, act) {
  return h("section.pass", { ariaLabel: gettext("Pass the phone to") },
    h("h3", {}, gettext("Pass the phone to")),
    h("div.chips", {},
      names.map((name) =>
        h("button.button.chip", { type: "button", onclick: () => act.signIn(name) },
          avatar(name), name)),
      h("button.button.chip", { type: "button", onclick: act.signInNewcomer },
        h("span.avatar.tone-none", { ariaHidden: "true" }, "+"), gettext("Someone new"))));
}

function ticket(person, capture, offer, act) {
  if (!capture) {
    return h("div.ticket.empty", {},
      h("h3", {}, gettext("No invitation here")),
      h("p", {}, person
        ? fill(gettext("%(person)s has opened nobody’s link."), { person })
        : gettext("Open somebody’s link, and it waits here.")));
  }
  const inviter = offer?.referrer.display_name ?? gettext("A friend");
  return h("div.ticket", {},
    h("h3", {}, fill(gettext("%(inviter)s invites you"), { inviter })),
    h("p.code.mono", {}, capture.code),
    offer && h("p", {}, fill(
      gettext("You receive %(yours)s. %(inviter)s receives %(theirs)s after your first reading."),
      { inviter, yours: inWords(offer.rewards.referee), theirs: inWords(offer.rewards.referrer) },
    )),
    h("p.scope", {}, scopeOf(person, capture)),
    h("div.actions", {},
      person && h("button.button.primary", { type: "button", onclick: act.claim }, gettext("Claim it")),
      h("button.button.quiet", { type: "button", onclick: act.forget }, gettext("Forget it"))));
}

function scopeOf(person, { scope, expires_at }) {
  const sentence = scope === "user"
    ? gettext("It belongs to %(person)s alone, and expires %(when)s.")
    : gettext("It waits for whoever signs in next at this browser, and expires %(when)s.");
  return fill(sentence, { person, when: fromNow(expires_at) });
}

function wallet({ balances, credits }) {
  const names = {
    stars: gettext("Stars"),
    free_points: gettext("Free points"),
    coins: gettext("Coins"),
    exp: gettext("Exp"),
  };
  return h("section", { ariaLabel: gettext("Balances") },
    h("p.credits", {}, h("b", {}, credits), " ",
      ngettext("credit for readings", "credits for readings", credits)),
    h("dl.balances", {}, Object.entries(names).map(([currency, name]) =>
      h("div", {}, h("dt", {}, name), h("dd", { id: `balance-${currency}` }, balances[currency])))));
}

function invitedBy({ referrer, status }) {
  const reached = STEPS.indexOf(status);
  return h("section.invited", { ariaLabel: gettext("Invited by") },
    h("div.row", {},
      h("span", {}, fill(gettext("Invited by %(name)s"), { name: referrer.display_name })),
      h(`span.pill.${status}`, {}, STATUS[status])),
    h("p.hint", {}, MEANING[status]),
    reached >= 0 && h("ol.track", { ariaHidden: "true" }, STEPS.map((step, index) =>
      h(index <= reached ? "li.done" : "li", {}, STATUS[step]))));
}

function share({ share_url }, act) {
  return h("section.share", { ariaLabel: gettext("Your invitation") },
    h("img", {
      src: `/demo/qr?text=${encodeURIComponent(share_url)}`,
      alt: gettext("QR code of your invitation link"), width: 112, height: 112,
    }),
    h("div", {},
      h("h3", {}, gettext("Invite a friend")),
      h("p.address.mono", {}, share_url.replace(/^https?:\/\//, ""))),
    h("button.button", { type: "button", onclick: () => act.copy(share_url) }, gettext("Copy the link")));
}

function numbers({ stats, earned }) {
  return h("dl.stats", {},
    h("div", {}, h("dt", {}, gettext("Friends")), h("dd", {}, stats.invited)),
    h("div", {}, h("dt", {}, gettext("Rewarded")), h("dd", {}, stats.rewarded)),
    h("div", {}, h("dt", {}, gettext("Coins earned")), h("dd", {}, earned.coins)));
}

function friends(recent) {
  return h("ul.friends", { ariaLabel: gettext("Newest friends") }, recent.slice(0, 5).map((friend) =>
    h("li", {}, friend.display_name, h(`span.pill.${friend.status}`, {}, STATUS[friend.status]))));
}
