"""The words of a story: names, times, amounts, and who did it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.utils import formats, timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from backoffice.records import actor_told, is_by_staff
from referrals.models import Attribution, Decision, TimelineEntry
from referrals.rules import Verdict, reason_told
from referrals.services.story.moments import Check, Who

RULES = {
    "code_is_in_use": gettext_lazy("The code is in use"),
    "program_is_running": gettext_lazy("The program is running"),
    "is_not_own_code": gettext_lazy("It is not one's own code"),
    "has_no_attribution": gettext_lazy("Nobody else has invited them"),
    "was_not_rejected_before": gettext_lazy("Nothing was rejected or reversed before"),
    "closes_no_cycle": gettext_lazy("Two do not invite each other"),
    "account_is_new": gettext_lazy("The account is new"),
    "referrer_was_here_first": gettext_lazy("The inviter was here first"),
    "referrer_is_within_caps": gettext_lazy("The inviter is within the caps"),
    "devices_differ": gettext_lazy("The two use different devices"),
    "mailboxes_differ": gettext_lazy("The two have different mailboxes"),
    "mailbox_is_lasting": gettext_lazy("The mailbox is not a throw-away one"),
    "referrer_is_not_hurried": gettext_lazy("The inviter has few claims in an hour"),
    "staff_decide": gettext_lazy("Staff decided by hand"),
    "address_is_not_hurried": gettext_lazy("The network address has few claims in an hour"),
}
FOUND = {
    Verdict.PASS: gettext_lazy("passed"),
    Verdict.FAIL: gettext_lazy("failed"),
    Verdict.REVIEW: gettext_lazy("needs a look"),
    Verdict.UNKNOWN: gettext_lazy("not known yet"),
}
REFUSALS = {
    "code_not_found": gettext_lazy("There is no such code."),
    "program_inactive": gettext_lazy("The program has no terms in force."),
}


def called(user: User) -> str:
    """Return what a sentence calls somebody: the first name, else the Clerk id."""
    return user.display_name if user.first_name else str(user)


def pair(referee: User, referrer: User) -> dict[str, str]:
    """Return what a sentence calls the two, told apart though they have one first name."""
    if called(referee) == called(referrer):
        return {"referee": referee.known_as, "referrer": referrer.known_as}
    return {"referee": called(referee), "referrer": called(referrer)}


def invitation(attribution: Attribution) -> str:
    """Return what an attribution is called, for staff."""
    names = {"referee": attribution.referee.known_as, "referrer": attribution.referrer.known_as}
    return _("Invitation of %(referee)s by %(referrer)s") % names


def when(at: datetime) -> str:
    """Write a moment within a sentence."""
    return formats.date_format(timezone.localtime(at), "j M Y, H:i")


def short(id_: UUID) -> str:
    """Return how a device or browser session is called: as much of its id as tells it apart."""
    return id_.hex[:8]


def often(n: int) -> str:
    """Return how often, e.g. `once` or `3 times`."""
    return _("once") if n == 1 else ngettext("%(n)d time", "%(n)d times", n) % {"n": n}


def listed(words: Iterable[str]) -> str:
    return get_text_list(list(words), _("and"))


def who_did(actor: str, *known: User) -> Who:
    """Return who an `actor` of a timeline or the ledger is, one of the `known` people perhaps."""
    kind, _colon, name = actor.partition(":")
    return _person(name, known) if kind == "user" else Who(actor_told(actor))


def _person(name: str, known: Iterable[User]) -> Who:
    """Find a person by Clerk id or row, and say so if somebody else acted in their name."""
    id_, _comma, impersonated = name.partition(", ")
    by_id = {key: user for user in known for key in (user.clerk_id, str(user.pk))}
    user = by_id.get(id_)
    text = called(user) if user else id_
    return Who(f"{text}, {impersonated}" if impersonated else text, user)


def checks_of(decision: Decision) -> tuple[Check, ...]:
    """Return every rule that a claim was judged by."""
    return tuple(
        Check(
            rule=e["rule"],
            asks=str(RULES.get(e["rule"], e["rule"].replace("_", " "))),
            verdict=e["verdict"],
            found=str(FOUND.get(e["verdict"], e["verdict"])),
            reason=reason_told(e),
        )
        for e in decision.evaluations
    )


def why(decision: Decision, *verdicts: Verdict) -> str:
    """Return the reasons of the rules that came to these verdicts, in their order."""
    return " ".join(reason_told(e) for e in decision.evaluations if e["verdict"] in verdicts)


def reason_of(entry: TimelineEntry, decisions: Iterable[Decision]) -> str:
    """Return why an attribution moved: staff's words as they are, the system's in the reader's.

    What a rule said is found again in the decision of that moment, whose values stand apart.
    """
    if is_by_staff(entry.actor):
        return entry.reason
    at = (entry.attribution_id, entry.at)
    judged = [e for d in decisions if (d.attribution_id, d.at) == at for e in d.evaluations]
    said = [e for e in judged if e["reason"] == entry.reason]
    return reason_told(said[0]) if said else _(entry.reason)


def why_refused(decision: Decision) -> str:
    """Return why a claim was refused: the first rule's reason, which the claimer was told too."""
    failed = [reason_told(e) for e in decision.evaluations if e["verdict"] == Verdict.FAIL]
    if failed:
        return failed[0]
    return str(REFUSALS.get(decision.refusal, decision.refusal.replace("_", " ")))
