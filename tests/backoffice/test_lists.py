"""Every list of the admin, whichever models it will show: constant statements, no whole tables."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client, RequestFactory

from accounts.models import User
from backoffice.lists import BoundedPaginator, ListAdmin
from referrals.models import Attribution, Program, ProgramTerms
from rewards.models import Entry, Transaction
from tests.backoffice.conftest import REGISTERED, address_of
from tests.factories import AttributionFactory, TermsFactory
from tests.statements import statements

pytestmark = pytest.mark.django_db
LISTS = [model for model in REGISTERED if isinstance(admin.site._registry[model], ListAdmin)]
MOST_STATEMENTS = 12
HOSTILE = [
    "\x00",
    "%",
    "_",
    "'",
    "a",
    "\\",
    "x" * 10_000,
    "น",
    "🙂",
    "(" * 50,
    '"; --',
    "²",
    "1" * 30,
]


def changelist_of(model: type[Model]) -> Any:
    """Return the list as a superuser sees it."""
    request = RequestFactory().get(address_of(model))
    request.user = User.objects.get(username="superaree")
    return admin.site._registry[model].get_changelist_instance(request)


def queries_of(model: type[Model]) -> list[dict[str, Any]]:
    """Return what may be asked of a list: nothing, each filter's choices, dates, a search."""
    changelist = changelist_of(model)
    choices = [choice for spec in changelist.filter_specs for choice in spec.choices(changelist)]
    asked: list[dict[str, Any]] = [
        dict(parse_qsl(choice["query_string"].removeprefix("?"), keep_blank_values=True))
        for choice in choices
    ]
    if field := changelist.date_hierarchy:
        year = {f"{field}__year": 2026}
        asked += [
            year,
            {**year, f"{field}__month": 3},
            {**year, f"{field}__month": 3, f"{field}__day": 9},
        ]
    if changelist.search_fields:
        asked += [{"q": "user_demo"}, {"q": "nok"}]
    return asked


def test_every_list_is_made_for_large_tables() -> None:
    """Except the handful of groups, which is Django's own."""
    assert set(REGISTERED) - set(LISTS) <= {Group}


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
def test_a_list_costs_the_same_however_long_and_whatever_is_asked(
    model: type[Model], aree: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model._default_manager.count() >= 2, "Give it rows, in tests/backoffice/conftest.py."
    aree.get(address_of(model))  # what is looked up once for all is looked up
    for query in [{}, *queries_of(model)]:
        cost = {}
        for per_page in (1, 100):
            monkeypatch.setattr(admin.site._registry[model], "list_per_page", per_page)
            with statements() as sent:
                response = aree.get(address_of(model), query)
            assert response.status_code == 200, query
            cost[per_page] = sent
        assert len(cost[1]) == len(cost[100]) <= MOST_STATEMENTS, (query, cost[100])
        for statement in cost[100]:
            assert "DISTINCT" not in statement, statement
            assert "COUNT(" not in statement or "LIMIT" in statement, statement


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
def test_no_question_breaks_a_list(model: type[Model], aree: Client) -> None:
    changelist = changelist_of(model)
    field = changelist.date_hierarchy
    asked = [{"q": term} for term in HOSTILE]
    asked += [{"p": "9999999"}, {"o": "99.-98.x"}]
    for spec in changelist.filter_specs:
        for name in filter(None, spec.expected_parameters()):
            asked += [{name: value} for value in ("\x00", "nobody")]
    if field:
        dates = [("9999", "12", "31"), ("0", "1", "1"), ("x", "y", "z"), ("2026", "2", "31")]
        names = [f"{field}__{level}" for level in ("year", "month", "day")]
        asked += [dict(zip(names, date, strict=True)) for date in dates]
        asked += [{names[0]: "9999"}]
    for query in asked:
        response = aree.get(address_of(model), query)
        assert response.status_code in {200, 302, 400}, query


def test_a_list_is_sorted_by_what_an_index_serves_alone(aree: Client) -> None:
    with statements() as sent:
        for column in range(7):
            aree.get(address_of(Transaction), {"o": str(column)})
    assert 'ORDER BY "rewards_transaction"."memo"' not in " ".join(sent)
    assert 'ORDER BY "rewards_transaction"."created_at" ASC' in " ".join(sent)


def test_the_count_ends_where_paging_ends(monkeypatch: pytest.MonkeyPatch, aree: Client) -> None:
    monkeypatch.setattr("backoffice.lists.COUNTED", 2)
    assert BoundedPaginator(Attribution.objects.order_by("-claimed_at"), 1).count == 2


def test_later_pages_go_on_where_the_first_ends(
    aree: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site._registry[Transaction], "list_per_page", 4)
    newest = list(Transaction.objects.order_by("-created_at", "-id").values_list("pk", flat=True))

    for number in (1, 2, 3):
        shown = aree.get(address_of(Transaction), {"p": number}).context["cl"].result_list
        assert [row.pk for row in shown] == newest[(number - 1) * 4 : number * 4]


class TestDates:
    @pytest.fixture(autouse=True)
    def _two_years(self, demo: None) -> None:
        for at in ("2024-11-30T12:00Z", "2025-01-02T12:00Z"):
            AttributionFactory(claimed_at=at)

    def titles(self, aree: Client, **drilled: int) -> list[str]:
        query = {f"claimed_at__{level}": number for level, number in drilled.items()}
        page = aree.get(address_of(Attribution), query).content.decode()
        menu = page.partition('<nav class="toplinks">')[2].partition("</nav>")[0]
        return [
            line.split("<")[0]
            for line in menu.replace("\n", "").split(">")
            if line.split("<")[0].strip()
        ]

    def test_years_months_and_days_lie_between_the_first_and_the_last(self, aree: Client) -> None:
        assert self.titles(aree)[:2] == ["2024", "2025"]
        assert self.titles(aree, year=2024)[1:] == ["November 2024", "December 2024"]
        november = self.titles(aree, year=2024, month=11)
        assert november[1:] == ["November 30"]
        assert len(self.titles(aree, year=2025, month=2)) == 1 + 28

    def test_a_day_shows_its_rows(self, aree: Client) -> None:
        day = {"claimed_at__year": 2025, "claimed_at__month": 1, "claimed_at__day": 2}
        assert "1 attribution" in aree.get(address_of(Attribution), day).content.decode()

    def test_entries_are_dated_by_their_transaction(self, aree: Client) -> None:
        at = Transaction.objects.latest("created_at").created_at
        day = {
            f"transaction__created_at__{level}": getattr(at, level)
            for level in ("year", "month", "day")
        }
        shown = aree.get(address_of(Entry), day).context["cl"].queryset
        expected = Entry.objects.filter(transaction__created_at__date=at.date())
        assert set(shown) == set(expected)


def test_a_program_that_ended_is_found_under_all_its_terms(aree: Client) -> None:
    autumn = Program.objects.get(slug="autumn")
    template = ProgramTerms.objects.latest("version")
    terms = [TermsFactory(program=autumn, version=n, touch=template.touch) for n in (1, 2)]
    made = {AttributionFactory(terms=t).pk for t in terms}

    def shown(value: object) -> set[Any]:
        return {
            row.pk
            for row in aree.get(address_of(Attribution), {"program": value}).context["cl"].queryset
        }

    assert shown(autumn.pk) == made
    assert shown(Program.objects.create(slug="new", name="New").pk) == set()


def test_values_are_offered_without_reading_the_table(aree: Client) -> None:
    with statements() as sent:
        page = aree.get(address_of(Transaction)).content.decode()
    assert "?kind=referral_referee" in page
    assert any("WITH RECURSIVE" in statement for statement in sent)
