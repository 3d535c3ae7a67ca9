"""The heart of it: nobody is paid twice for what the old system paid, and nobody loses.

Nok invited Ploy there; each test says how far that had come, and what happens here afterwards.
"""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user, import_people, provision_user
from mimivibes.legacy.models import LegacyTransaction, Matter
from referrals.models import Attribution, QualifyingEvent
from referrals.services.proof import verify_attributions
from rewards.amounts import Amounts
from rewards.models import Transaction
from rewards.services import balances_of, spend, verify_ledger
from tests.commands import run
from tests.legacy.old_world import OldWorld
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd

NOW = timezone.now()
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def there() -> OldWorld:
    world = OldWorld()
    world.rows["reward_configurations"].append(
        {
            "id": "inviter",
            "name": "REFERRAL_INVITER",
            "type": "reward",
            "title": "Inviter",
            "rewards": '{"coins": 30}',
            "updatedAt": datetime(2026, 1, 1, tzinfo=UTC),
        }
    )
    return world


def come_over(world: OldWorld, url: str, *options: str) -> dict[str, Any]:
    world.load(url)
    report = run("import_legacy", "--source", url, "--apply", *options)
    assert not verify_ledger()
    assert not verify_attributions()
    return report


def user(clerk_id: str) -> User:
    return User.objects.get(clerk_id=clerk_id)


def held(clerk_id: str) -> Amounts:
    return balances_of(user(clerk_id).pk)


def invitation() -> Attribution:
    return Attribution.objects.with_names().get()


def test_somebody_who_comes_over_is_not_welcomed_again(there: OldWorld, own_source: str) -> None:
    nok = there.person(freePoint=2, coins=40)
    come_over(there, own_source)

    me = Browser().sign_in(Person(nok)).me()

    assert me["balances"] == {"stars": 0, "free_points": 2, "coins": 40, "exp": 0}
    assert [t.kind for t in Transaction.objects.all()] == ["opening"]


def test_readings_there_count_so_that_no_first_reading_is_paid_again(
    there: OldWorld, own_source: str, back_end: BackEnd
) -> None:
    nok = there.person()
    there.read(nok, 8)
    come_over(there, own_source)

    back_end.report(nok)

    assert held(nok) == Amounts()
    back_end.report(nok)
    assert held(nok) == Amounts(coins=25)  # the tenth, by readings there and here


def test_an_inviter_who_was_paid_there_is_not_paid_here(
    there: OldWorld, own_source: str, back_end: BackEnd
) -> None:
    nok, ploy = there.person(coins=30), there.person()
    there.invite(nok, ploy)
    there.read(ploy)
    there.move(nok, "REFERRAL_INVITER", deltaCoins=30, metadata={"userId": ploy})
    come_over(there, own_source)

    back_end.report(ploy)

    assert invitation().status == "rewarded"
    assert held(nok) == Amounts(coins=30)


def test_an_open_invitation_pays_what_was_promised_at_the_next_reading(
    there: OldWorld, own_source: str, back_end: BackEnd
) -> None:
    nok, ploy = there.person(), there.person(stars=1)
    there.invite(nok, ploy)
    come_over(there, own_source)
    assert invitation().status == "pending"

    for _ in range(2):
        back_end.report(ploy)

    assert invitation().status == "rewarded"
    assert held(nok) == Amounts(coins=30)
    assert held(ploy) == Amounts(stars=1, free_points=2)  # here is her first reading
    assert not verify_attributions()


def test_where_no_row_tells_of_the_payment_nobody_is_paid_and_staff_are_told(
    there: OldWorld, own_source: str, back_end: BackEnd
) -> None:
    nok, ploy = there.person(), there.person()
    there.invite(nok, ploy)
    there.read(ploy)
    come_over(there, own_source)

    back_end.report(ploy)

    assert held(nok) == Amounts()
    assert Matter.objects.get().kind == "payment_unproven"
    assert Matter.objects.get().user == user(nok)


def test_the_invitation_keeps_its_times(there: OldWorld, own_source: str) -> None:
    nok, ploy = there.person(), there.person()
    day = datetime(2026, 3, 1, 12, tzinfo=UTC)
    there.invite(nok, ploy, createdAt=day)
    there.read(ploy, createdAt=day.replace(day=2))
    paid = day.replace(day=3)
    there.move(nok, "REFERRAL_INVITER", deltaCoins=30, metadata={"x": ploy}, createdAt=paid)
    come_over(there, own_source)

    found = invitation()

    assert (found.claimed_at, found.qualified_at, found.rewarded_at) == (
        day,
        day.replace(day=2),
        paid,
    )
    assert [step.at for step in found.timeline.all()] == [day, day.replace(day=2), paid]
    assert user(nok).account_created_at == there.rows["User"][0]["createdAt"]


def test_an_old_account_does_not_become_a_new_one(
    there: OldWorld, own_source: str, noks_code: str
) -> None:
    ploy = there.person()
    come_over(there, own_source, "--inviter-coins", "0")

    response = Browser().sign_in(Person(ploy)).claim(noks_code)

    assert response.json()["code"] == "not_new_account"


def test_who_is_attributed_there_cannot_be_claimed_here(
    there: OldWorld, own_source: str, noks_code: str
) -> None:
    somchai, ploy = there.person(), there.person(createdAt=timezone.now())
    there.invite(somchai, ploy)
    come_over(there, own_source)

    response = Browser().sign_in(Person(ploy)).claim(noks_code)

    assert response.json()["code"] == "already_attributed"


def test_what_was_given_here_before_is_taken_back_if_it_was_given_there_too(
    there: OldWorld, own_source: str, back_end: BackEnd
) -> None:
    nok = there.person(coins=100)
    there.read(nok, 9)
    Browser().sign_in(Person(nok)).me()  # welcomed here: 3 free points
    back_end.report(nok)  # for a "first" reading: 2 more
    assert held(nok) == Amounts(free_points=5)

    come_over(there, own_source)

    assert held(nok) == Amounts(coins=125)  # what she held there, and the tenth reading's 25
    back_end.report(nok)
    assert held(nok) == Amounts(coins=125)


def test_who_spent_here_what_was_given_twice_does_not_go_below_zero(
    there: OldWorld, own_source: str, back_end: BackEnd
) -> None:
    nok = there.person(freePoint=1)
    Browser().sign_in(Person(nok)).me()
    order = ["free_points"]
    spend(user_id=user(nok).pk, amount=3, order=order, reason="", key="s", actor="", now=NOW)

    come_over(there, own_source)

    assert held(nok) == Amounts()  # two are missing, and recorded as such


def test_who_signs_in_at_the_very_moment_of_the_import_is_not_lost(
    there: OldWorld, own_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nok = there.person(coins=40)

    def meanwhile(*, people: Any) -> dict[str, int]:
        provision_user(clerk_id=nok, now=NOW)
        return import_people(people=people)

    monkeypatch.setattr("mimivibes.legacy.people.import_people", meanwhile)

    report = come_over(there, own_source)

    assert held(nok) == Amounts(coins=40)
    assert report["rows"]["people"]["new, signed in here before"] == 1


def test_a_held_claim_is_decided_once_the_old_rows_tell_the_age(
    there: OldWorld, own_source: str, noks_code: str
) -> None:
    ploy = there.person()
    browser = Browser().sign_in(Person(ploy))
    assert browser.claim(noks_code).json()["attribution"]["status"] == "held"

    come_over(there, own_source)

    assert invitation().status == "rejected"


def test_a_claim_here_stands_and_the_invitation_there_is_listed(
    there: OldWorld, own_source: str, noks_code: str
) -> None:
    somchai, ploy = there.person(), there.person(createdAt=timezone.now())
    there.invite(somchai, ploy)
    Browser().sign_in(Person(ploy)).claim(noks_code)
    stands = invitation().pk

    come_over(there, own_source)

    assert invitation().pk == stands
    assert Matter.objects.get().kind == "attributed_here"


def test_a_ring_with_a_claim_made_here_is_not_closed(
    there: OldWorld, own_source: str, noks_code: str
) -> None:
    ploy, mali = there.person(), there.person()
    nok = there.person(id="user_" + "n" * 27)
    there.invite(ploy, nok)
    there.invite(nok, mali)
    there.load(own_source)
    new = {"account_created_at": int(timezone.now().timestamp())}
    for person in (nok, mali):
        Browser().sign_in(Person(person, new)).me()
    code = Browser().sign_in(Person(mali, new)).me()["referral_code"]
    claim = Browser(address="198.51.100.9").sign_in(Person(ploy, new)).claim(code)
    assert claim.status_code == 201

    run("import_legacy", "--source", own_source, "--apply")

    assert Matter.objects.filter(kind="ring").count() == 1
    assert Attribution.objects.live().count() == 2


def test_deleted_there_leaves_a_tombstone_without_balance(there: OldWorld, own_source: str) -> None:
    gone = there.person(name="[Deleted User]", coins=50, tel="081")
    ploy = there.person()
    there.invite(gone, ploy)
    there.move(gone, "READING", metadata={"question": "Will I?"})
    report = come_over(there, own_source)

    assert user(gone).deleted_at is not None
    assert held(gone) == Amounts()
    assert report["balances"]["deleted"]["coins"] == 50
    assert LegacyTransaction.objects.get().details == {}
    assert Browser().sign_in(Person(gone)).get("me").status_code == 403
    assert invitation().referrer == user(gone)


def test_erased_here_is_not_brought_back(there: OldWorld, own_source: str) -> None:
    nok = there.person(coins=50)
    there.move(nok, "READING", metadata='{"question": "Private"}')
    Browser().sign_in(Person(nok)).me()
    erase_user(clerk_id=nok, now=timezone.now())

    come_over(there, own_source)

    assert LegacyTransaction.objects.get().details == {}

    assert user(nok).email == ""
    assert held(nok) == Amounts()
    assert Matter.objects.get().kind == "gone_here"


def test_explain_tells_of_an_invitation_that_came_over(there: OldWorld, own_source: str) -> None:
    nok, ploy = there.person(), there.person()
    there.invite(nok, ploy)
    come_over(there, own_source)
    out = StringIO()

    call_command("explain", ploy, stdout=out)

    assert "in the earlier app. [the import]" in out.getvalue()
    assert "is in the balances brought over from there" in out.getvalue()


def test_readings_keep_their_times_and_nothing_of_their_content(
    there: OldWorld, own_source: str
) -> None:
    nok = there.person()
    there.read(nok)
    come_over(there, own_source)

    event = QualifyingEvent.objects.get()

    assert event.received_at == event.occurred_at == there.rows["readings"][0]["createdAt"]
    assert event.data == {}
