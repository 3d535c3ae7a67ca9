"""Read what people may know of their invitations."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Case, Count, FilteredRelation, QuerySet, When

from accounts.models import User
from referrals.models import LIVE_STATUSES, Attribution, ProgramTerms, ReferralCode, Status
from referrals.models.attributions import AttributionQuerySet
from referrals.services.claims import ProgramInactive
from referrals.services.codes import CodeNotFound, create_referral_code
from referrals.services.payments import REFERRER_KIND
from rewards import services as rewards
from rewards.amounts import Amounts

RECENT = 10
INVITED_STATUSES = (Status.HELD, Status.PENDING, Status.QUALIFIED, Status.REWARDED)


class Profile(NamedTuple):
    """A person's primary code, and their live attribution or else the latest that ended."""

    code: ReferralCode
    attribution: Attribution | None


def referral_profile(*, user: User, now: datetime) -> Profile:
    """Return code and attribution of `user` in one query; a missing code is made."""
    found = _with_profile(User.objects.filter(pk=user.pk)).first()
    if found is None:
        create_referral_code(owner=user, now=now)
        found = _with_profile(User.objects.filter(pk=user.pk)).get()
    # Django sets no attribute for a joined row that is not there.
    return Profile(getattr(found, "own_code"), getattr(found, "received", None))  # noqa: B009


def _with_profile(users: QuerySet[User]) -> QuerySet[User]:
    """Join the primary code and the attributions received, the live one first, then the latest."""
    return (
        users.annotate(
            received=FilteredRelation("attributions_received"),
            own_code=FilteredRelation("referral_codes"),
        )
        .filter(own_code__is_primary=True, own_code__program__is_default=True)
        .select_related(  # type: ignore[misc]  # the annotations
            "own_code", "received__referrer", "received__code", "received__terms__program"
        )
        .order_by(
            Case(When(received__status__in=LIVE_STATUSES, then=0), default=1),
            "-received__claimed_at",
            "-received__pk",
        )
    )


class Offer(NamedTuple):
    """What a code promises, by the terms in force."""

    code: ReferralCode
    terms: ProgramTerms


def offer_of(*, code: str, now: datetime) -> Offer:
    """Return whose `code` it is and what it brings. Raises `CodeNotFound`, also if it brings none.

    A code of a program that is not running promises nothing, so it is not found either.
    """
    found = ReferralCode.objects.typed(code).usable().select_related("owner", "program").first()
    if found is None or not found.program.is_running(now):
        raise CodeNotFound
    terms = ProgramTerms.objects.in_force(now).filter(program=found.program_id).first()
    if terms is None:
        raise CodeNotFound
    return Offer(found, terms)


def default_terms(*, now: datetime) -> ProgramTerms:
    """Return the terms in force of the default program. Raises `ProgramInactive`."""
    terms = (
        ProgramTerms.objects.in_force(now)
        .filter(program__is_default=True)
        .select_related("program")
        .first()
    )
    if terms is None or not terms.program.is_running(now):
        raise ProgramInactive
    return terms


class Report(NamedTuple):
    """What an inviter sees of their invitations."""

    code: ReferralCode
    stats: dict[str, int]
    earned: Amounts
    recent: list[Attribution]


def referral_report(*, user: User, now: datetime) -> Report:
    """Return code, counts by status, earnings by the ledger (net of reversals), newest claims."""
    return Report(
        code=referral_profile(user=user, now=now).code,
        stats=_stats(user),
        earned=rewards.earned(user_id=user.pk, kinds=[REFERRER_KIND]),
        recent=list(invited_by(user=user)[:RECENT]),
    )


def invited_by(*, user: User) -> AttributionQuerySet:
    """Return the attributions that `user` made, newest claim first."""
    made = Attribution.objects.filter(referrer=user).select_related("referee")
    return made.order_by("-claimed_at", "-pk")


def _stats(user: User) -> dict[str, int]:
    by_status = dict(
        Attribution.objects.filter(referrer=user)
        .values_list("status")
        .annotate(total=Count("pk"))
        .order_by()
    )
    stats = {status.value: by_status.get(status.value, 0) for status in Status}
    return {"invited": sum(stats[status] for status in INVITED_STATUSES), **stats}
