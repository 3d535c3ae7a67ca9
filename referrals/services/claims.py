"""Claim: attribute a new person to who invited them, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_noop

from accounts.addresses import network_of
from accounts.models import User
from accounts.services import AccountDeleted, salt_of
from referrals.models import (
    LIVE_STATUSES,
    Attribution,
    Capture,
    ClosedReason,
    Decision,
    Outcome,
    ProgramTerms,
    ReferralCode,
    Status,
)
from referrals.rules import Facts, Judgement, judge
from referrals.services.attributions import accept, lock_people, move
from referrals.services.captures import chosen_capture, with_touch
from referrals.services.codes import CodeNotFound
from referrals.services.cycles import invited

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ACCEPTED = gettext_noop("Claimed; every rule passed.")


class SelfReferral(Exception):
    """This is your own code."""


class NotNewAccount(Exception):
    """Invitations are for new accounts."""


class ReciprocalReferral(Exception):
    """You were here before the person who invites you, or invited them."""


class ProgramInactive(Exception):
    """The referral program is not running."""


class CapReached(Exception):
    """This code has been used as often as it may be."""


class AttributionRejected(Exception):
    """An earlier invitation of yours was rejected; our staff can help."""


class AlreadyAttributed(Exception):
    """You have accepted another invitation already."""


REFUSALS: dict[str, type[Exception]] = {
    "code_not_found": CodeNotFound,
    "self_referral": SelfReferral,
    "not_new_account": NotNewAccount,
    "reciprocal_referral": ReciprocalReferral,
    "program_inactive": ProgramInactive,
    "cap_reached": CapReached,
    "attribution_rejected": AttributionRejected,
    "already_attributed": AlreadyAttributed,
}


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim came to: an attribution, new or standing, or none for want of a code."""

    attribution: Attribution | None
    is_new: bool = False


def claim_referral(
    *, user: User, actor: str, code: str | None, address: str, now: datetime
) -> Claimed:
    """Attribute `user` to the owner of `code`, or of the code they captured.

    Chooses the code, judges the claim by every rule, makes the attribution, pays the referee and
    writes the decision, all at once. Repeated claims return what stands. A refusal is written down
    before it is raised: `CodeNotFound`, `SelfReferral`, `NotNewAccount`, `ReciprocalReferral`,
    `ProgramInactive`, `CapReached`, `AttributionRejected`, `AlreadyAttributed`. `AccountDeleted` if
    the person was deleted or banned since the request began.
    """
    # The salt changes at midnight (UTC), so an hour may have two of them. Asked for beforehand:
    # what a process remembers of it must not be rolled back with a claim.
    hashes = [hashed_address(address, day) for day in (now.date(), (now - HOUR).date())]
    with transaction.atomic():
        claimed = _claim(user, actor, code, hashes, now)
    if isinstance(claimed, str):
        raise REFUSALS[claimed]
    return claimed


def _claim(
    user: User, actor: str, text: str | None, hashes: Sequence[str], now: datetime
) -> Claimed | str:
    """Return what was claimed, or the refusal that was written down."""
    code, capture = _code_to_claim(user, text, now)
    if code is None and text is None:
        return Claimed(_standing(attributions_of(user)))
    if code is None:
        return _refuse("code_not_found", user, text or "", now)
    # So two claims of one referee, or on the last place under a referrer's cap, take turns.
    people = lock_people(user.pk, code.owner_id)
    referee, code.owner = people[user.pk], people[code.owner_id]
    if referee.is_gone:  # since the request began
        raise AccountDeleted
    earlier = attributions_of(user)
    standing = _standing(earlier)
    if standing and (text is None or standing.referrer_id == code.owner_id):
        return Claimed(standing)
    terms = ProgramTerms.objects.in_force(now).filter(program=code.program_id).first()
    if terms is None:
        return _refuse("program_inactive", referee, code.code, now, code.owner)
    facts, events = read_facts(referee, code, terms, earlier, hashes, now)
    judgement = judge(facts)
    attribution = None
    if not judgement.refusal:
        attribution = _attribute(facts, judgement, actor, capture, events)
    _write_judgement(facts, judgement, attribution, capture, hashes[0])
    return judgement.refusal or Claimed(attribution, is_new=True)


def _write_judgement(
    facts: Facts,
    judgement: Judgement,
    attribution: Attribution | None,
    capture: Capture | None,
    address_hash: str,
) -> None:
    decision = Decision(
        referee=facts.referee,
        referrer=facts.code.owner,
        attribution=attribution,
        terms=facts.terms,
        capture=capture,
        code=facts.code.code,
        at=facts.now,
        refusal=judgement.refusal,
        evaluations=judgement.as_json(),
        address_hash=address_hash,
    )
    _write(decision, judgement.outcome)


def _attribute(
    facts: Facts, judgement: Judgement, actor: str, capture: Capture | None, events: int
) -> Attribution:
    """Make the attribution, held or accepted; it consumes all that its referee had captured."""
    facts.terms.program = facts.code.program
    attribution = Attribution(
        terms=facts.terms,
        referee=facts.referee,
        referrer=facts.code.owner,
        code=facts.code,
        capture=capture,
        status="",
        awaits_age=judgement.awaits_age,
        awaits_review=judgement.awaits_review,
        claimed_at=facts.now,
    )
    consume_captures(facts.referee, facts.now)
    if judgement.outcome == Outcome.HELD:
        return move(attribution, Status.HELD, actor=actor, reason=judgement.reasons, now=facts.now)
    return accept(attribution, actor=actor, reason=ACCEPTED, now=facts.now, event_count=events)


def consume_captures(referee: User, now: datetime) -> None:
    """Close what an attributed person had opened, so that nobody finds it later."""
    Capture.objects.open().filter(user=referee).update(
        closed_at=now, closed_reason=ClosedReason.CLAIMED
    )


def _refuse(
    refusal: str, referee: User, code: str, now: datetime, referrer: User | None = None
) -> str:
    """Write down a refusal that came before there was anything to judge by."""
    _write(
        Decision(referee=referee, referrer=referrer, code=code[:64], at=now, refusal=refusal),
    )
    return refusal


def _write(decision: Decision, outcome: Outcome = Outcome.REFUSED) -> None:
    decision.outcome = outcome
    decision.save(force_insert=True)


def _code_to_claim(
    user: User, text: str | None, now: datetime
) -> tuple[ReferralCode | None, Capture | None]:
    """Return the code that was named, else the one of the capture that the touch policy chooses."""
    if text is not None:
        codes = ReferralCode.objects.typed(text).select_related("owner", "program")
        return codes.first(), None
    held = Capture.objects.claimable(now).filter(user=user).order_by("-opened_at")
    captures = list(with_touch(held.select_related("code__owner", "code__program"), now))
    # If all their codes have gone out of use, the last one shows staff why nothing came of it.
    capture = chosen_capture(captures) or next(iter(captures), None)
    return (capture.code, capture) if capture else (None, None)


def attributions_of(user: User) -> list[Attribution]:
    return list(Attribution.objects.with_names().filter(referee=user).order_by("-claimed_at"))


def _standing(attributions: list[Attribution]) -> Attribution | None:
    return next((a for a in attributions if a.is_live), None)


def read_facts(
    referee: User,
    code: ReferralCode,
    terms: ProgramTerms,
    earlier: list[Attribution],
    hashes: Sequence[str],
    now: datetime,
) -> tuple[Facts, int]:
    """Read what the rules need, and the number of qualifying events, in one statement.

    `earlier` are the attributions that `referee` has received, `hashes` the claim's network
    address. The caller holds the locks on both people's rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _FACTS,
            {
                "referee": referee.pk,
                "referrer": code.owner_id,
                "live": [str(status) for status in LIVE_STATUSES],
                "hour_ago": now - HOUR,
                "day_ago": now - DAY,
                "counts_all": terms.total_cap is not None,
                "hashes": [value for value in hashes if value],
                "event_type": terms.qualifying_event_type,
            },
        )
        hour, day, total, from_address, share_a_device, has_invited, events = cursor.fetchone()
    facts = Facts(
        now=now,
        referee=referee,
        code=code,
        terms=terms,
        is_attributed=_standing(earlier) is not None,
        was_rejected=any(not attribution.is_live for attribution in earlier),
        closes_a_cycle=has_invited and invited(referee=referee, referrer=code.owner),
        claims_of_referrer_in_hour=hour,
        claims_of_referrer_in_day=day,
        claims_of_referrer_in_all=total,
        claims_from_address_in_hour=from_address,
        share_a_device=share_a_device,
        referrer_per_hour=settings.VELOCITY_REFERRER_PER_HOUR,
        address_per_hour=settings.VELOCITY_ADDRESS_PER_HOUR,
    )
    return facts, events


_FACTS = """
SELECT
    (SELECT count(*) FROM referrals_attribution
     WHERE referrer_id = %(referrer)s AND claimed_at > %(hour_ago)s),
    (SELECT count(*) FROM referrals_attribution
     WHERE referrer_id = %(referrer)s AND claimed_at > %(day_ago)s AND status = ANY(%(live)s)),
    (SELECT count(*) FROM referrals_attribution
     WHERE %(counts_all)s AND referrer_id = %(referrer)s AND status = ANY(%(live)s)),
    (SELECT count(*) FROM referrals_decision
     WHERE address_hash = ANY(%(hashes)s) AND address_hash <> '' AND at > %(hour_ago)s
       AND attribution_id IS NOT NULL),
    EXISTS (SELECT FROM referrals_userdevice a JOIN referrals_userdevice b USING (device_id)
            WHERE a.user_id = %(referee)s AND b.user_id = %(referrer)s),
    EXISTS (SELECT FROM referrals_attribution
            WHERE referrer_id = %(referee)s AND status = ANY(%(live)s)),
    (SELECT count(*) FROM referrals_qualifyingevent
     WHERE user_id = %(referee)s AND type = %(event_type)s)
"""


def hashed_address(address: str, day: date) -> str:
    """Return a network address as we keep it: keyed with the server's secret and the day's salt."""
    if not address:
        return ""
    salt = f"referrals.address.{salt_of(day)}"
    return salted_hmac(salt, network_of(address), algorithm="sha256").hexdigest()
