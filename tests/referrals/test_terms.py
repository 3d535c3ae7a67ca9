"""Terms in the admin: made as new versions from old ones, seen beforehand, changed never."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from referrals.models import Attribution, Program, ProgramTerms
from referrals.services.terms import (
    NothingDiffers,
    State,
    TermsMadeMeanwhile,
    TimeHasPassed,
    make_terms,
    tenures_of,
    warnings_on,
)
from referrals.services.terms_in_words import CONTENT
from tests.factories import AttributionFactory, TermsFactory, UserFactory, default_program
from tests.parallel import at_once
from tests.people import Browser, Person
from tests.referrals.story import attribution_of, invited
from tests.statements import statements

pytestmark = pytest.mark.django_db
ADD = "/admin/referrals/programterms/add/"
NOW = timezone.now()
REASON = "Agreed with finance"


def staff(name: str, *permissions: str, is_superuser: bool = False) -> Client:
    user = User.objects.create_user(name, "secret", is_superuser=is_superuser)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def aree(db: Any) -> Client:
    """The browser of a member of staff who may make terms."""
    return staff("aree", "add_programterms", "view_programterms", "view_program", "change_program")


def draft(**values: Any) -> ProgramTerms:
    """Return a version that is not saved: what is not named is as in the last one."""
    program = default_program()
    last = program.terms.order_by("-version").first()
    kept = {name: getattr(last, name) for name in CONTENT} if last else {}
    return ProgramTerms(**{"program": program, "effective_from": None, **kept, **values})


def make(seen: int = 1, now: datetime | None = None, **values: Any) -> ProgramTerms:
    return make_terms(
        draft=draft(**values),
        seen_version=seen,
        reason=REASON,
        made_by=UserFactory(clerk_id=None, username=f"staff{ProgramTerms.objects.count()}"),
        now=now or timezone.now(),
    )


def sent(**values: Any) -> dict[str, Any]:
    """Return what the form sends: the last version's values, but for those that are named."""
    last = default_program().terms.order_by("-version").first()
    kept = {name: getattr(last, name) for name in CONTENT}
    fields = {"effective_from": "", "reason": REASON, **kept, **values}
    return {name: "" if value is None else value for name, value in fields.items()}


def confirm(client: Client, *, seen: int = 1, **values: Any) -> Any:
    return client.post(ADD, {**sent(**values), "seen": seen, "confirm": "Confirm"}, follow=True)


def preview(client: Client, **values: Any) -> str:
    return str(client.post(ADD, {**sent(**values), "preview": "Show"}).content.decode())


class TestVerb:
    def test_a_new_version_takes_the_next_number_and_keeps_who_made_it_and_why(self) -> None:
        made = make(referrer_coins=80)

        made.refresh_from_db()
        assert (made.version, made.referrer_coins, made.referee_stars) == (2, 80, 1)
        assert made.reason == REASON
        assert made.created_by is not None

    def test_the_same_terms_again_are_refused(self) -> None:
        with pytest.raises(NothingDiffers, match="Nothing differs from version 1"):
            make()

    def test_the_same_terms_may_be_brought_forward(self) -> None:
        waiting = make(hold_days=7, effective_from=NOW + timedelta(days=9))

        sooner = make(seen=2)

        assert sooner.hold_days == waiting.hold_days
        assert [t.state for t in tenures_of(program=default_program(), now=timezone.now())] == [
            State.IN_FORCE,
            State.NEVER,
            State.OVER,
        ]

    def test_the_past_is_refused(self) -> None:
        with pytest.raises(TimeHasPassed):
            make(hold_days=7, now=NOW, effective_from=NOW - timedelta(seconds=1))

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"qualifying_event_count": 0}, "greater than or equal to 1"),
            ({"capture_days": 0}, "greater than or equal to 1"),
            ({"claim_days": 3651}, "less than or equal to 3650"),
            ({"hold_days": 3651}, "less than or equal to 3650"),
            ({"daily_cap": 0}, "greater than or equal to 1"),
            ({"referrer_coins": 1_000_000_001}, "less than or equal to 1000000000"),
            ({"qualifying_event_type": ""}, "cannot be blank"),
        ],
    )
    def test_values_out_of_range_are_refused_in_words(
        self, values: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(ValidationError, match=said):
            make(**values)

    def test_a_version_made_meanwhile_is_named(self) -> None:
        make(hold_days=7)

        with pytest.raises(TermsMadeMeanwhile, match="Meanwhile version 2 was made, by staff1"):
            make(seen=1, hold_days=9)

    def test_the_first_version_of_a_program_needs_none_before(self) -> None:
        program = Program.objects.create(slug="vip", name="VIP")

        assert make(seen=0, program=program, referrer_coins=5).version == 1

    @pytest.mark.django_db(transaction=True)
    def test_of_two_at_once_one_is_made_and_the_other_is_told(self) -> None:
        def one(days: int, user: User) -> str:
            try:
                make_terms(
                    draft=draft(hold_days=days),
                    seen_version=1,
                    reason=REASON,
                    made_by=user,
                    now=timezone.now(),
                )
            except TermsMadeMeanwhile as error:
                return str(error)
            return "made"

        both = [UserFactory(clerk_id=None, username=name) for name in ("aree", "lek")]
        done = at_once(*(partial(one, days, user) for days, user in enumerate(both, start=3)))

        assert sorted(answer[:24] for answer in done) == ["Meanwhile version 2 was ", "made"]
        assert ProgramTerms.objects.count() == 2


class TestInForce:
    """Of the versions whose time has come, the newest counts."""

    @pytest.fixture
    def versions(self) -> None:
        """Version 2 waits ten days; version 3, made later, takes effect after five."""
        make(hold_days=2, effective_from=NOW + timedelta(days=10))
        make(seen=2, hold_days=3, effective_from=NOW + timedelta(days=5))

    @pytest.mark.usefixtures("versions")
    @pytest.mark.parametrize(("days", "version"), [(1, 1), (5, 3), (10, 3), (99, 3)])
    def test_a_newer_version_with_an_earlier_time_overtakes_one_that_waits(
        self, days: int, version: int
    ) -> None:
        at = NOW + timedelta(days=days)

        in_force = ProgramTerms.objects.in_force(at).first()
        told = [t.terms for t in tenures_of(program=default_program(), now=at) if t.covers(at)]

        assert in_force is not None
        assert in_force.version == version
        assert told == [in_force]

    @pytest.mark.usefixtures("versions")
    def test_the_program_page_says_which_counts_which_waits_and_which_never_will(
        self, aree: Client
    ) -> None:
        page = aree.get(f"/admin/referrals/program/{default_program().pk}/change/")

        states = [row["tenure"].state for row in page.context["versions"]]
        assert states == [State.WAITS, State.NEVER, State.IN_FORCE]
        told = page.content.decode()
        assert "In force now" in told
        assert "Never in force" in told

    def test_a_version_that_is_overtaken_is_warned_of(self) -> None:
        make(hold_days=2, effective_from=NOW + timedelta(days=10))
        tenures = tenures_of(program=default_program(), now=timezone.now())

        said = warnings_on(draft=draft(hold_days=3), tenures=tenures, now=timezone.now())

        assert any("Version 2" in line and "never come into force" in line for line in said)

    def test_an_attribution_keeps_the_terms_it_was_made_under(
        self, noks_code: str, ploy: Person
    ) -> None:
        invited(ploy, noks_code)

        make(referrer_coins=80)

        assert attribution_of(ploy).terms.referrer_coins == 50


class TestPages:
    def test_the_form_shows_the_old_value_beside_each_field(self, aree: Client) -> None:
        page = aree.get(ADD)

        rows = {row["field"].name: row for _, rows in page.context["groups"] for row in rows}
        assert set(rows) == set(CONTENT)
        assert (rows["referrer_coins"]["last"], rows["daily_cap"]["last"]) == ("50", "no limit")
        assert page.context["form"].initial["referrer_coins"] == 50

    def test_one_may_start_from_an_older_version(self, aree: Client) -> None:
        make(referrer_coins=80)
        first = ProgramTerms.objects.get(version=1)

        page = aree.get(ADD, {"from": first.pk})

        assert page.context["form"].initial["referrer_coins"] == 50
        rows = {row["field"].name: row for _, rows in page.context["groups"] for row in rows}
        assert (rows["referrer_coins"]["last"], rows["referrer_coins"]["basis"]) == ("80", "50")

    def test_the_preview_shows_exactly_what_differs_and_makes_nothing(self, aree: Client) -> None:
        page = aree.post(ADD, {**sent(referrer_coins=80, hold_days=7), "preview": "Show"})

        assert page.context["differences"] == ["Referrer gets 50 → 80 coins.", "Hold 0 → 7 days."]
        assert '"coins": 80' in page.context["announced"]
        assert ProgramTerms.objects.count() == 1

    def test_the_preview_warns_of_much_larger_amounts_and_of_caps_that_are_reached(
        self, aree: Client, noks_code: str, ploy: Person
    ) -> None:
        invited(ploy, noks_code)

        page = preview(aree, referrer_coins=501, total_cap=1)

        assert "501 is more than ten times the 50 of before" in page
        assert "1 referrer has 1 live attributions or more already" in page

    def test_confirming_makes_it_and_logs_the_difference_with_the_reason(
        self, aree: Client
    ) -> None:
        page = confirm(aree, referrer_coins=80)

        made = ProgramTerms.objects.get(version=2)
        assert page.redirect_chain[-1][0] == f"/admin/referrals/programterms/{made.pk}/change/"
        assert made.created_by == User.objects.get(username="aree")
        log = LogEntry.objects.get()
        assert log.object_id == str(made.pk)
        assert log.change_message == f"Referrer gets 50 → 80 coins. Reason: {REASON}"
        assert Browser().get("referrals/rewards").json()["referrer"]["coins"] == 80

    def test_a_time_to_come_is_kept_and_waits(self, aree: Client) -> None:
        at = (timezone.localtime() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")

        page = confirm(aree, referrer_coins=80, effective_from=at).content.decode()

        assert "Waits for its time" in page
        assert Browser().get("referrals/rewards").json()["terms_version"] == 1

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"reason": ""}, "This field is required."),
            ({}, "Nothing differs from version 1."),
            ({"hold_days": 7, "effective_from": "2020-01-01T00:00"}, "has passed"),
            ({"capture_days": 0}, "greater than or equal to 1"),
        ],
    )
    def test_what_cannot_be_made_is_told_beside_the_form(
        self, aree: Client, values: dict[str, Any], said: str
    ) -> None:
        for button in ("preview", "confirm"):
            page = aree.post(ADD, {**sent(**values), "seen": 1, button: "Yes"})

            assert said in page.content.decode()
            assert "groups" in page.context
        assert ProgramTerms.objects.count() == 1

    def test_the_second_of_two_sees_the_new_difference_first(self, aree: Client) -> None:
        make(referrer_coins=60)

        page = confirm(aree, seen=1, referrer_coins=80)

        assert "Meanwhile version 2 was made, by staff1." in page.content.decode()
        assert page.context["differences"] == ["Referrer gets 60 → 80 coins."]
        assert ProgramTerms.objects.count() == 2
        assert confirm(aree, seen=2, referrer_coins=80).status_code == 200
        assert ProgramTerms.objects.count() == 3

    def test_a_program_without_terms_gets_its_first(self, aree: Client) -> None:
        vip = Program.objects.create(slug="vip", name="VIP")

        assert "these are its first" in aree.get(ADD, {"program": vip.pk}).content.decode()
        answer = aree.post(
            f"{ADD}?program={vip.pk}", {**sent(referrer_coins=9), "seen": 0, "confirm": "Yes"}
        )

        assert answer.status_code == 302
        assert vip.terms.get().version == 1

    def test_the_page_of_terms_says_how_many_were_attributed_under_them(
        self, aree: Client, noks_code: str, ploy: Person
    ) -> None:
        invited(ploy, noks_code)
        make(hold_days=7)
        first = ProgramTerms.objects.get(version=1)

        page = aree.get(f"/admin/referrals/programterms/{first.pk}/change/")

        assert page.context["count"] == "1"
        assert "Was in force" in page.content.decode()
        assert "The referrer then gets 50 coins at once." in page.content.decode()

    def test_whoever_may_only_look_is_offered_nothing_and_refused(self) -> None:
        viewer = staff("viewer", "view_programterms", "view_program")
        terms = ProgramTerms.objects.get()
        page = viewer.get(f"/admin/referrals/programterms/{terms.pk}/change/").content.decode()

        assert "New version" not in page
        assert "What if" not in page
        for address in (ADD, f"/admin/referrals/programterms/{terms.pk}/what-if/"):
            assert viewer.get(address).status_code == 403
        assert confirm(viewer, referrer_coins=80).status_code == 403
        assert ProgramTerms.objects.count() == 1


class TestNobodyChangesThem:
    @pytest.mark.parametrize("page", ["change/", "delete/"])
    def test_a_direct_request_of_a_superuser_is_refused(self, page: str) -> None:
        boss = staff("boss", is_superuser=True)
        terms = ProgramTerms.objects.get()
        address = f"/admin/referrals/programterms/{terms.pk}/{page}"

        assert boss.post(address, {**sent(hold_days=9), "post": "yes"}).status_code == 403

        assert list(ProgramTerms.objects.values()) == list(
            ProgramTerms.objects.filter(pk=terms.pk, hold_days=0).values()
        )

    def test_the_list_deletes_none(self) -> None:
        boss = staff("boss", is_superuser=True)
        terms = ProgramTerms.objects.get()

        boss.post(
            "/admin/referrals/programterms/",
            {"action": "delete_selected", "_selected_action": [terms.pk], "post": "yes"},
        )

        assert ProgramTerms.objects.filter(pk=terms.pk).exists()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE referrals_programterms SET hold_days = 9",
            "UPDATE referrals_programterms SET reason = 'None'",
            "DELETE FROM referrals_programterms",
            "TRUNCATE referrals_programterms CASCADE",
        ],
    )
    def test_the_database_itself_refuses(self, statement: str) -> None:
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    def test_the_database_refuses_amounts_beyond_the_ledgers(self) -> None:
        with (
            pytest.raises(IntegrityError, match="terms_amounts_are_in_range"),
            transaction.atomic(),
        ):
            TermsFactory(referrer_coins=1_000_000_001)


@pytest.mark.parametrize(
    "address",
    [
        "/admin/referrals/programterms/",
        "/admin/referrals/programterms/{terms}/change/",
        "/admin/referrals/program/{program}/change/",
        ADD,
        "/admin/referrals/programterms/{terms}/what-if/",
    ],
)
def test_no_page_asks_more_for_more_rows(aree: Client, address: str) -> None:
    terms = ProgramTerms.objects.get()
    address = address.format(terms=terms.pk, program=terms.program_id)

    def asked() -> int:
        with statements() as sent_statements:
            assert aree.get(address).status_code == 200
        return len(sent_statements)

    aree.get(address)
    before = asked()
    for number in range(5):
        make(seen=1 + number, hold_days=number + 1)
        AttributionFactory(terms=terms)

    assert asked() == before
    assert Attribution.objects.count() == 5


def test_the_preview_asks_no_more_for_more_versions(aree: Client) -> None:
    def asked(days: int) -> int:
        with statements() as sent_statements:
            preview(aree, hold_days=days)
        return len(sent_statements)

    asked(50)
    before = asked(50)
    for number in range(5):
        make(seen=1 + number, hold_days=number + 1)

    assert asked(50) == before
