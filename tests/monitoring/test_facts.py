"""What was committed is counted, whoever did it, and once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from mimivibes.metrics import facts
from mimivibes.metrics.facts import FACTS, SETTLES_IN, counted_facts
from mimivibes.models import Tally
from referrals.models import Attribution
from referrals.services import corrections
from rewards.amounts import Amounts
from rewards.services import grant
from tests.factories import TermsFactory
from tests.monitoring.scrapes import Prometheus
from tests.parallel import at_once
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, code_of, invited, user_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def since(prometheus: Prometheus, nok: Person, noks_code: str) -> Callable[[], dict[Any, float]]:
    """Return what has been counted since Nok had her code."""
    before = prometheus.scrape()

    def counted() -> dict[Any, float]:
        now = prometheus.scrape()
        names = tuple(f"{fact.name}_total" for fact in FACTS)
        return {
            key: value - before.get(key, 0)
            for key, value in now.items()
            if (key if isinstance(key, str) else key[0]) in names and value != before.get(key, 0)
        }

    return counted


def test_an_invitation_is_counted_at_each_of_its_steps(
    since: Callable[[], dict[Any, float]], noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    browser.open_link(noks_code)  # once more: the same capture
    browser.sign_in(ploy).claim()
    browser.claim()  # and the same attribution
    back_end.report(ploy, event_id="evt_1")
    back_end.report(ploy, event_id="evt_1")

    assert since() == {
        "mimivibes_people_total": 1,
        ("mimivibes_captures_total", "browser_session"): 1,
        "mimivibes_adoptions_total": 1,
        ("mimivibes_claims_total", "accepted", ""): 1,
        ("mimivibes_attributions_total", "pending"): 1,
        ("mimivibes_attributions_total", "qualified"): 1,
        ("mimivibes_attributions_total", "rewarded"): 1,
        "mimivibes_events_total": 1,
        ("mimivibes_ledger_amount_total", "stars", "in", "referral_referee"): 1,
        ("mimivibes_ledger_amount_total", "coins", "in", "referral_referrer"): 50,
        ("mimivibes_ledger_amount_total", "free_points", "in", "reward"): 3 + 2,
    }


def test_a_refusal_is_counted_by_its_code(
    since: Callable[[], dict[Any, float]], nok: Person, noks_code: str
) -> None:
    Browser().sign_in(nok).claim(noks_code)

    assert since() == {("mimivibes_claims_total", "refused", "self_referral"): 1}


def test_a_hold_is_counted_by_each_rule_that_asked_for_it_and_its_end_is_no_claim(
    since: Callable[[], dict[Any, float]], noks_code: str
) -> None:
    fah = Person("user_fah")  # whose account's age nobody knows
    invited(fah, noks_code)
    assert since()["mimivibes_holds_total", "account_is_new"] == 1

    corrections.reject(
        attribution=attribution_of(fah), actor="user:aree", reason="No.", now=timezone.now()
    )

    assert since()["mimivibes_claims_total", "held", ""] == 1
    assert since()["mimivibes_attributions_total", "rejected"] == 1


def test_a_decision_that_comes_later_is_no_claim(
    since: Callable[[], dict[Any, float]], noks_code: str
) -> None:
    fah = Person("user_fah")
    browser = invited(fah, noks_code)
    fah.claims = newcomer("Fah").claims
    browser.me()  # whose token tells the age now

    claims = {key: n for key, n in since().items() if key[0] == "mimivibes_claims_total"}

    assert attribution_of(fah).decisions.count() == 2
    assert claims == {("mimivibes_claims_total", "held", ""): 1}


def test_what_a_command_pays_is_counted(
    since: Callable[[], dict[Any, float]],
    noks_code: str,
    ploy: Person,
    back_end: BackEnd,
) -> None:
    TermsFactory(hold_days=1)
    invited(ploy, noks_code)
    back_end.report(ploy)
    paid = ("mimivibes_ledger_amount_total", "coins", "in", "referral_referrer")
    assert paid not in since()
    Attribution.objects.update(release_at=timezone.now() - timedelta(hours=1))

    call_command("release_rewards", "--json")

    assert since()[paid] > 0
    assert since()["mimivibes_attributions_total", "rewarded"] == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_never_there(
    since: Callable[[], dict[Any, float]], nok: Person
) -> None:
    def give() -> None:
        grant(
            user_id=user_of(nok).pk,
            amounts=Amounts(stars=5),
            kind="grant",
            key="gift",
            now=timezone.now(),
        )

    with transaction.atomic():
        give()
        transaction.set_rollback(True)
    assert since() == {}

    give()
    assert since() == {("mimivibes_ledger_amount_total", "stars", "in", "grant"): 5}


def totals() -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in counted_facts(now=timezone.now())
        for sample in metric.samples
        if sample.value
    }


def test_what_has_settled_is_kept_and_counted_no_more(noks_code: str, ploy: Person) -> None:
    now = timezone.now()
    list(counted_facts(now=now))
    invited(ploy, noks_code)
    before = totals()

    for hours in (1, 2, 3):  # the first only sees how far it goes
        list(counted_facts(now=now + hours * SETTLES_IN))

    claims = Tally.objects.get(fact="mimivibes_claims")
    assert claims.counted_to == claims.seen_to
    assert claims.totals == [[["accepted", ""], 1]]
    assert totals() == before
    code_of(newcomer("Mali"))
    assert totals()["mimivibes_people_total",] == before["mimivibes_people_total",] + 1


def test_very_much_at_once_is_counted_bit_by_bit(
    noks_code: str, ploy: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    list(counted_facts(now=now))
    for name in ("Fah", "Mali", "Ploy"):
        code_of(newcomer(name))
    assert totals()["mimivibes_people_total",] == 3
    list(counted_facts(now=now + SETTLES_IN))  # sees how far it goes
    monkeypatch.setattr(facts, "MOST_AT_ONCE", 1)

    told = []
    for _ in range(4):
        list(counted_facts(now=now + 2 * SETTLES_IN))
        told.append(totals().get(("mimivibes_people_total",), 0))

    assert told == sorted(told)
    assert told[-1] == 3


def test_what_was_there_before_anybody_asked_is_not_counted(noks_code: str, ploy: Person) -> None:
    invited(ploy, noks_code)

    assert totals() == {}


def test_what_was_slow_to_commit_is_counted(noks_code: str, ploy: Person) -> None:
    """A row with an earlier id than others that were counted before."""
    now = timezone.now()
    list(counted_facts(now=now))
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_user', 'id'))")
        (early,) = cursor.fetchone()
    code_of(ploy)
    list(counted_facts(now=now + SETTLES_IN))
    user = user_of(newcomer("Ploy"))

    user.pk, user.clerk_id = early, "user_late"
    user.save(force_insert=True)

    list(counted_facts(now=now + 2 * SETTLES_IN))
    assert totals()["mimivibes_people_total",] == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_settle_at_once_count_once(noks_code: str, ploy: Person) -> None:
    now = timezone.now()
    list(counted_facts(now=now))
    invited(ploy, noks_code)
    before = totals()
    list(counted_facts(now=now + SETTLES_IN))

    def settle() -> None:
        with transaction.atomic():
            list(counted_facts(now=now + 2 * SETTLES_IN))

    at_once(*[settle] * 4)

    assert totals() == before


def test_staff_who_attribute_by_hand_are_told_apart(
    since: Callable[[], dict[Any, float]], noks_code: str, ploy: Person, aree: Client
) -> None:
    from referrals.models import ReferralCode
    from referrals.services.corrections.by_hand import attribute_by_hand

    code_of(ploy)
    attribute_by_hand(
        user_of(ploy),
        code=ReferralCode.objects.get(code=noks_code),
        actor="staff:aree",
        reason="They asked.",
        now=timezone.now(),
    )

    assert since()["mimivibes_claims_total", "by_hand", ""] == 1
