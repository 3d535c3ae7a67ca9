"""Attribute somebody by hand: staff decide, whatever the rules say, and that is kept."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from referrals.models import Attribution, Decision, Outcome, ProgramTerms, ReferralCode
from referrals.rules import Evaluation, Judgement, Verdict, judge, reason_told
from referrals.services.attributions import accept, lock_people
from referrals.services.claims import attributions_of, consume_captures, read_facts
from referrals.services.corrections.effects import effect_of
from referrals.services.corrections.refusals import (
    NotAPerson,
    TermsMissing,
    refuse_code,
    refuse_cycle,
    refuse_gone,
    refuse_second,
)
from referrals.services.payments import lock_balances_of
from rewards.services.effects import Effect


@transaction.atomic
def attribute_by_hand(
    user: User,
    *,
    code: ReferralCode,
    actor: str,
    reason: str,
    now: datetime,
    terms: ProgramTerms | None = None,
) -> Effect:
    """Attribute `user` to the owner of `code`, under `terms` or else those in force.

    Every rule is asked for the record; none of them stops it. The referee is paid, and if they have
    done enough already, the attribution qualifies at once. Raises `PersonGone`, `NotAPerson`,
    `AnotherStands`, `OwnCode`, `OtherProgram`, `TermsMissing`, `ClosesCycle`.
    """
    people = lock_people(user.pk, code.owner_id)
    lock_balances_of(people)
    referee, code.owner = people[user.pk], people[code.owner_id]
    terms = terms or _terms_in_force(code, now)
    if referee.clerk_id is None:
        raise NotAPerson
    refuse_code(code, referee=referee, program_id=terms.program_id)
    refuse_gone(referee, code.owner)
    refuse_second(referee)
    refuse_cycle(referee=referee, referrer=code.owner)
    facts, events = read_facts(referee, code, terms, attributions_of(referee), (), now)
    judgement = _judged_by_staff(judge(facts))
    made = Attribution(
        terms=terms,
        referee=referee,
        referrer=code.owner,
        code=code,
        status="",
        claimed_at=now,
    )
    accept(made, actor=actor, reason=reason, now=now, event_count=events)
    consume_captures(referee, now)
    _keep_decision(made, judgement, now)
    return effect_of([made], now=now, also=_told(made, judgement))


def _terms_in_force(code: ReferralCode, now: datetime) -> ProgramTerms:
    found = ProgramTerms.objects.in_force(now).filter(program=code.program_id).first()
    if found is None:
        raise TermsMissing
    return found


def _judged_by_staff(judgement: Judgement) -> Judgement:
    reason = gettext_noop("Staff attributed by hand, whatever the other rules say.")
    decided = Evaluation("staff_decide", Verdict.PASS, reason)
    return Judgement([*judgement.evaluations, decided])


def _keep_decision(made: Attribution, judgement: Judgement, now: datetime) -> None:
    Decision.objects.create(
        referee=made.referee,
        referrer=made.referrer,
        attribution=made,
        terms=made.terms,
        code=made.code.code,
        at=now,
        outcome=Outcome.ACCEPTED,
        evaluations=judgement.as_json(),
    )


def _told(made: Attribution, judgement: Judgement) -> list[str]:
    told = _("The attribution is by code %(code)s, under %(terms)s.")
    against = [
        _against(e.verdict) % {"reason": reason_told(e.as_json())}
        for e in judgement.evaluations
        if e.verdict != Verdict.PASS
    ]
    return [
        told % {"code": made.code, "terms": made.terms},
        *(against or [_("Every rule passes.")]),
    ]


def _against(verdict: Verdict) -> str:
    return {
        Verdict.FAIL: _("A rule would refuse it: %(reason)s"),
        Verdict.REVIEW: _("A rule would hold it: %(reason)s"),
        Verdict.UNKNOWN: _("A rule could not tell yet: %(reason)s"),
    }[verdict]
