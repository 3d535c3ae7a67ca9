"""The proof of attributions names what is wrong, planted here past the services."""

import pytest
from django.utils import timezone

from referrals.models import Attribution, ReferralCode
from referrals.services import corrections
from referrals.services.proof import verify_attributions
from rewards import services as rewards
from rewards.models import Transaction
from tests.factories import ReferralCodeFactory, TermsFactory, UserFactory
from tests.people import Person
from tests.referrals.aree import by_aree
from tests.referrals.story import code_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved(rewarded: Attribution, mali: Person) -> Attribution:
    """What replaced Ploy's attribution to Nok: one to Mali."""
    code = ReferralCode.objects.get(code=code_of(mali))
    by_aree(corrections.move_to_referrer, rewarded, code=code)
    return Attribution.objects.live().get()


def faults() -> list[tuple[str, str]]:
    return [(fault.code, fault.detail) for fault in verify_attributions()]


def put_right(attribution: Attribution, **fields: object) -> None:
    Attribution.objects.filter(pk=attribution.pk).update(**fields)


def test_a_reversal_without_its_lines(rewarded: Attribution) -> None:
    put_right(rewarded, status="reversed")

    assert faults() == [
        ("attribution_not_as_paid", "It is reversed; the referee is paid and should not be."),
        ("attribution_not_as_paid", "It is reversed; the referrer is paid and should not be."),
    ]
    put_right(rewarded, status="rewarded")


def test_a_restoral_without_its_lines(rewarded: Attribution) -> None:
    by_aree(corrections.reverse, rewarded)
    put_right(rewarded, status="rewarded")

    assert faults() == [
        ("attribution_not_as_paid", "It is rewarded; the referee is not paid."),
        ("attribution_not_as_paid", "It is rewarded; the referrer is not paid."),
    ]
    put_right(rewarded, status="reversed")


def test_a_restoral_back_to_where_it_had_not_been(rewarded: Attribution) -> None:
    """A referrer's reward that was given back to a pending attribution is one too many."""
    by_aree(corrections.reverse, rewarded)
    by_aree(corrections.restore, rewarded)
    put_right(rewarded, status="pending")

    assert faults() == [
        ("attribution_not_as_paid", "It is pending; the referrer is paid and should not be."),
    ]
    put_right(rewarded, status="rewarded")


@pytest.mark.parametrize("is_reversed", [True, False])
def test_what_was_taken_back_for_its_own_sake_is_no_fault_given_back_it_is(
    rewarded: Attribution, is_reversed: bool
) -> None:
    if is_reversed:
        by_aree(corrections.reverse, rewarded)
    for transaction in Transaction.objects.filter(reference=rewarded.reference, reversed_by=None):
        rewards.reverse_transaction(
            transaction=transaction,
            reason="By a service",
            key=f"service {transaction.pk}",
            actor="key:1",
            now=timezone.now(),
        )

    assert [code for code, _ in faults()] == ["attribution_not_as_paid"] * 2 * is_reversed
    put_right(rewarded, status="rewarded")


def test_amounts_other_than_the_terms_though_taken_back(rewarded: Attribution) -> None:
    generous = TermsFactory(referee_stars=2)
    by_aree(corrections.reverse, rewarded)
    put_right(rewarded, terms=generous)

    assert [code for code, _ in faults()] == ["attribution_paid_wrongly"]
    put_right(rewarded, terms=generous.program.terms.get(version=1))


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("referee", "which is of another referee"),
        ("terms", "which was claimed at another time or under other terms"),
        ("claimed_at", "which was claimed at another time or under other terms"),
        ("referrer", "which is by the same referrer"),
    ],
)
def test_a_replacement_of_something_else(
    rewarded: Attribution, moved: Attribution, field: str, told: str
) -> None:
    right = getattr(rewarded, field)
    wrong = {
        "referee": UserFactory,
        "terms": TermsFactory,
        "claimed_at": timezone.now,
        "referrer": lambda: moved.referrer,
    }[field]()
    put_right(rewarded, **{field: wrong})

    assert any(
        code == "attribution_replaces_wrongly" and told in detail for code, detail in faults()
    )
    put_right(rewarded, **{field: right})


def test_a_replacement_beside_what_it_replaces(rewarded: Attribution, ploy: Person) -> None:
    """PostgreSQL refuses it of one referee; so the two planted here have two."""
    other = Attribution.objects.create(
        replaces=rewarded,
        referee=UserFactory(),
        referrer=ReferralCodeFactory().owner,
        code=rewarded.code,
        terms=rewarded.terms,
        claimed_at=rewarded.claimed_at,
        status="held",
    )

    details = [detail for _, detail in faults()]

    assert f"It lives together with {rewarded.pk}, which it replaces." in details
    assert [fault.subject for fault in verify_attributions(user_id=other.referee_id)] == [
        f"attribution {other.pk}"
    ] * 2
    put_right(other, replaces=None)
