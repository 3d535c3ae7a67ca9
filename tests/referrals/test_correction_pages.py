"""The corrections' pages: who may, what is asked, what is shown, what is written down."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from referrals.admin.corrections import ATTRIBUTE, CORRECTIONS
from referrals.models import Attribution, ReferralCode
from tests.factories import TermsFactory, UserFactory
from tests.people import Browser, Person
from tests.referrals.aree import fresh
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, balances, code_of, invited, user_of

pytestmark = pytest.mark.django_db
ALL = (*CORRECTIONS, ATTRIBUTE)


def staff(*permissions: str) -> Client:
    """Return the browser of Aree, who has these permissions."""
    aree = User.objects.create_user("aree", "secret")
    codenames = [permission.rpartition(".")[2] for permission in permissions]
    aree.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(aree)
    return client


LOOKS = ("view_attribution", "view_user")
MAY = {
    "approve": "decide_attribution",
    "reject": "decide_attribution",
    "reopen": "decide_attribution",
    "reverse": "reverse_attribution",
    "restore": "reverse_attribution",
    "move": "move_attribution",
    "undo-move": "move_attribution",
    "attribute": "add_attribution",
}


@pytest.fixture
def rewarded(noks_code: str, ploy: Person, mali: Person, back_end: BackEnd) -> Attribution:
    """Ploy by Nok, rewarded; Mali is there too, and has invited nobody."""
    Browser().sign_in(mali).me()
    invited(ploy, noks_code)
    back_end.report(ploy)
    return attribution_of(ploy)


def page(subject: Attribution | User, slug: str = "change") -> str:
    place = "accounts/user" if isinstance(subject, User) else "referrals/attribution"
    return f"/admin/{place}/{subject.pk}/{slug}/"


def correct(client: Client, subject: Attribution | User, slug: str, **asked: Any) -> Any:
    """Fill in the form, look at what is shown, confirm it; return the last answer."""
    form = {"reason": "Her sister's friend", **asked}
    shown = client.post(page(subject, slug), form)
    assert shown.status_code == 200
    effect = shown.context.get("effect")
    if effect is None:
        return shown
    return client.post(page(subject, slug), {**form, "seen": effect.digest, "confirm": "yes"})


def test_each_correction_asks_for_its_permission(rewarded: Attribution, ploy: Person) -> None:
    allowed = {correction.slug: correction.permission for correction in ALL}
    assert allowed == {slug: f"referrals.{codename}" for slug, codename in MAY.items()}


@pytest.mark.parametrize("slug", MAY)
def test_without_the_permission_there_is_no_way_in(
    rewarded: Attribution, ploy: Person, slug: str
) -> None:
    others = {codename for codename in MAY.values() if codename != MAY[slug]}
    client = staff(*LOOKS, *others)
    subject = user_of(ploy) if slug == "attribute" else rewarded

    assert client.get(page(subject, slug)).status_code == 403
    assert client.post(page(subject, slug), {"reason": "Because"}).status_code == 403
    assert f"/{slug}/" not in client.get(page(subject)).content.decode()


def offered(client: Client, attribution: Attribution) -> set[str]:
    content = client.get(page(attribution)).content.decode()
    return {slug for slug in MAY if page(attribution, slug) in content}


def test_a_page_offers_what_can_be_done(rewarded: Attribution, mali: Person) -> None:
    client = staff(*LOOKS, *MAY.values())
    assert offered(client, rewarded) == {"reverse", "move"}

    correct(client, rewarded, "move", code="user_mali")
    moved = Attribution.objects.live().get()
    assert offered(client, rewarded) == {"restore"}
    assert offered(client, moved) == {"reverse", "move", "undo-move"}

    correct(client, moved, "undo-move")
    assert offered(client, rewarded) == {"reverse", "move"}


def test_what_is_held_is_approved_rejected_and_reopened(noks_code: str, ploy: Person) -> None:
    del ploy.claims["account_created_at"]
    invited(ploy, noks_code)
    held = attribution_of(ploy)
    client = staff(*LOOKS, *MAY.values())
    assert offered(client, held) == {"approve", "reject", "move"}

    correct(client, held, "reject")
    assert offered(client, held) == {"reopen"}
    correct(client, held, "reopen")
    correct(client, held, "approve")

    assert fresh(held).status == "pending"
    assert balances(ploy).stars == 1


def test_no_reason_no_correction(rewarded: Attribution) -> None:
    client = staff(*LOOKS, *MAY.values())

    answer = client.post(page(rewarded, "reverse"), {"reason": " ", "confirm": "yes"})

    assert "This field is required." in answer.content.decode()
    assert fresh(rewarded).status == "rewarded"


def test_the_reason_is_on_the_timeline_and_in_the_admins_log(rewarded: Attribution) -> None:
    client = staff(*LOOKS, *MAY.values())

    answer = correct(client, rewarded, "move", code="user_mali")

    assert answer["Location"] == page(rewarded)
    for attribution in Attribution.objects.all():
        entry = attribution.timeline.last()
        assert entry is not None
        assert (entry.actor, entry.reason) == ("staff:aree", "Her sister's friend")
    logged = LogEntry.objects.get()
    assert logged.get_change_message() == "Move to another referrer: Her sister's friend"
    assert str(rewarded.pk) == logged.object_id


@pytest.mark.parametrize("known_as", ["code", "user_mali", "MALI@example.com", "older code"])
def test_a_new_referrer_is_named_by_whatever_staff_know(
    rewarded: Attribution, mali: Person, known_as: str
) -> None:
    User.objects.filter(clerk_id="user_mali").update(email="mali@example.com")
    older = code_of(mali)
    Browser().sign_in(mali).put("referrals/code", {"code": "MALISCODE"})
    typed = {"code": "malis-code", "older code": older.lower()}.get(known_as, known_as)

    correct(staff(*LOOKS, "move_attribution"), rewarded, "move", code=typed)

    moved = Attribution.objects.live().get()
    assert moved.code.code == (older if known_as == "older code" else "MALISCODE")
    assert balances(mali).coins == 50


def test_a_mailbox_of_several_people_is_refused_with_their_ids(rewarded: Attribution) -> None:
    for number in range(2):
        UserFactory(clerk_id=f"user_twin{number}", email="twins@example.com")

    answer = correct(staff(*LOOKS, "move_attribution"), rewarded, "move", code="twins@example.com")

    assert answer.context["form"].errors["code"] == [
        "Several people have this e-mail address; name one by Clerk id: user_twin0, user_twin1."
    ]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("NOSUCHCODE", "There is no such code, Clerk id or e-mail address."),
        ("user_nobody", "There is no such code, Clerk id or e-mail address."),
        ("nobody@example.com", "There is no such code, Clerk id or e-mail address."),
        ("user_codeless", "user_codeless has no primary code in the program;"),
        ("aree", "There is no such code, Clerk id or e-mail address."),
    ],
)
@pytest.mark.parametrize("slug", ["move", "attribute"])
def test_nobody_is_found_by_a_wrong_name(
    rewarded: Attribution, mali: Person, slug: str, typed: str, told: str
) -> None:
    UserFactory(clerk_id="user_codeless")
    subject = user_of(mali) if slug == "attribute" else rewarded

    answer = correct(staff(*LOOKS, *MAY.values()), subject, slug, code=typed)

    assert told in answer.context["form"].errors["code"][0]


def test_a_refusal_is_told_and_nothing_is_done(rewarded: Attribution) -> None:
    answer = correct(staff(*LOOKS, *MAY.values()), rewarded, "move", code="user_nok")

    content = answer.content.decode()
    assert "Nothing was done." in content
    assert "The attribution is this referrer&#x27;s already." in content


def test_the_person_page_attributes_by_hand(rewarded: Attribution, mali: Person) -> None:
    client = staff(*LOOKS, "add_attribution")
    person = user_of(mali)
    assert page(person, "attribute") in client.get(page(person)).content.decode()
    TermsFactory(referee_stars=7)

    answer = correct(client, person, "attribute", code="user_nok")

    assert answer["Location"] == page(person)
    made = attribution_of(mali)
    assert (made.referrer.clerk_id, made.terms.version) == ("user_nok", 2)
    assert balances(mali).stars == 7
    assert LogEntry.objects.get().object_id == str(person.pk)


def test_the_person_page_lets_staff_choose_the_terms(rewarded: Attribution, mali: Person) -> None:
    TermsFactory(referee_stars=7)
    code = ReferralCode.objects.get(owner__clerk_id="user_nok")

    correct(
        staff(*LOOKS, "add_attribution"),
        user_of(mali),
        "attribute",
        code=code.code,
        terms=rewarded.terms.pk,
    )

    assert balances(mali).stars == 1


def test_staff_accounts_and_those_who_are_gone_are_not_offered_to_be_attributed(
    rewarded: Attribution, mali: Person
) -> None:
    client = staff(*LOOKS, "add_attribution")
    aree = User.objects.get(username="aree")
    User.objects.filter(clerk_id="user_mali").update(banned_at="2026-01-01T00:00Z")

    for subject in (aree, user_of(mali)):
        assert page(subject, "attribute") not in client.get(page(subject)).content.decode()
        asked = {"reason": "Her sister's friend", "code": "user_nok", "confirm": "yes"}
        told = client.post(page(subject, "attribute"), asked, follow=True).content.decode()
        assert "Attribute by hand: not as it stands now." in told
        assert not Attribution.objects.filter(referee=subject).exists()
