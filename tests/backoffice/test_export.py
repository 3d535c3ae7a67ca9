"""Lists as CSV: what is shown, all of it, harmless, for those who may see it, and logged."""

import csv
import tracemalloc
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model
from django.http import QueryDict, StreamingHttpResponse
from django.test import Client
from django.utils import timezone
from django.utils.safestring import mark_safe

from accounts.models import User
from backoffice import export
from backoffice.export import BYTE_ORDER_MARK, as_cell, filter_told
from referrals.models import Attribution, Capture
from rewards.models import Entry, Transaction
from tests.backoffice.conftest import address_of
from tests.backoffice.test_lists import LISTS, queries_of
from tests.factories import UserFactory
from tests.staff import signed_in
from tests.statements import statements

pytestmark = pytest.mark.django_db
SECRET = {
    "first_name": "Secretnok",
    "last_name": "Secretdee",
    "email": "secret@example.com",
    "image_url": "https://secret.example.com/nok.png",
}


def viewer(*extra: str) -> Client:
    """Return the browser of somebody who may look at everything, and do what `extra` names."""
    user = User.objects.create_user("viewer", "secret")
    user.user_permissions.set(
        Permission.objects.filter(codename__startswith="view_").exclude(
            codename="view_personal_data"
        )
        | Permission.objects.filter(codename__in=extra)
    )
    return signed_in(user)


def exported(client: Client, model: type[Model], **query: Any) -> list[dict[str, str]]:
    """Return the rows of the file, by their headings."""
    return list(csv.DictReader(StringIO(text_of(client, model, **query))))


def text_of(client: Client, model: type[Model], **query: Any) -> str:
    response = client.post(address_of(model, "export/"), query_params=query)
    assert response.status_code == 200, response
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(response).decode()  # type: ignore[arg-type]
    assert text.startswith(BYTE_ORDER_MARK)
    return text.removeprefix(BYTE_ORDER_MARK)


def break_off(response: Any) -> None:
    """Do what the server does when the browser is gone, without its leave of the database."""
    response._iterator.close()


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
def test_every_list_is_exported_as_it_is_shown(
    model: type[Model], aree: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 3)  # several pages of the file, whatever there is
    for query in [{}, *queries_of(model)]:
        shown = {str(row.pk) for row in aree.get(address_of(model), query).context["cl"].queryset}
        rows = exported(aree, model, **query)
        assert len(rows) == len(shown), query
        assert {row[model._meta.pk.attname] for row in rows} == shown, query


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.label)
def test_no_list_gives_personal_data_to_those_who_may_not_see_it(
    model: type[Model], aree: Client
) -> None:
    User.objects.filter(clerk_id__isnull=False, deleted_at=None).update(**SECRET)
    Capture.objects.update(landing_url="https://secret.example.com/?ref=x")

    client = viewer()
    if client.get(address_of(model)).status_code != 403:  # a list for superusers alone
        assert "secret" not in text_of(client, model).lower()


def test_who_may_see_personal_data_gets_it(demo: None) -> None:
    nok = UserFactory(**SECRET)
    allowed = viewer("view_personal_data")

    row = exported(allowed, User, q=nok.clerk_id)[0]

    assert {SECRET["first_name"], SECRET["email"], SECRET["image_url"]} <= set(row.values())
    assert "Your exports show" not in allowed.get(address_of(User)).content.decode()
    assert "With personal data." in LogEntry.objects.latest("id").change_message


def test_what_was_searched_for_is_not_on_record(demo: None) -> None:
    """The log is kept for ever, also when whoever was searched for is erased."""
    exported(viewer("view_personal_data"), User, q="ploy@example.com", kind="people")

    assert "(q=hidden&kind=people)" in LogEntry.objects.latest("id").change_message
    assert filter_told(QueryDict("email__exact=a%40b.co&status=held")) == (
        "email__exact=hidden&status=held"
    )


def test_what_was_on_record_before_is_taken_off_it(aree: Client) -> None:
    kept = "Exported as CSV: 3 rows (no filter). With personal data."
    before = "Exported as CSV: 1 rows (kind=people&q=ploy%40example.com&o=1). With personal data."
    begun = "Export as CSV begun (email__exact=ploy%40example.com). With personal data."
    staff = User.objects.filter(is_staff=True).first()
    about = {"user": staff, "action_flag": CHANGE, "object_repr": "before"}
    for message in (kept, before, begun):
        LogEntry.objects.create(change_message=message, **about)

    with connection.cursor() as cursor:
        cursor.execute(import_module("mimivibes.migrations.0007_searches_off_the_log").FORGET)

    written = LogEntry.objects.filter(object_repr="before").order_by("id")
    assert list(written.values_list("change_message", flat=True)) == [
        kept,
        before.replace("ploy%40example.com", "hidden"),
        begun.replace("ploy%40example.com", "hidden"),
    ]


def test_who_may_not_is_told_on_the_list(demo: None) -> None:
    client = viewer()

    page = client.get(address_of(User)).content.decode()

    assert "Your exports show the word “hidden” for personal data: " in page
    assert "e-mail" in page
    assert {row["e-mail"] for row in exported(client, User)} == {"hidden"}


def test_who_may_not_see_a_list_exports_nothing(demo: None) -> None:
    client = signed_in(User.objects.create_user("somchai", "secret"))

    assert client.post(address_of(User, "export/")).status_code == 403
    assert Client().post(address_of(User, "export/")).status_code == 302
    assert not LogEntry.objects.filter(user__username="somchai").exists()


def test_a_link_exports_nothing(aree: Client) -> None:
    """Another site's page could follow it; a form needs our token."""
    assert aree.get(address_of(User, "export/")).status_code == 405
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = aree.cookies
    assert careful.post(address_of(User, "export/")).status_code == 403


@pytest.mark.parametrize("query", [{"status__exact": "\x00"}, {"claimed_at__year": "9999"}])
def test_what_makes_no_sense_leads_back_to_the_list(aree: Client, query: dict[str, str]) -> None:
    response = aree.post(address_of(Attribution, "export/"), query_params=query)

    assert response.status_code == 302
    assert not LogEntry.objects.filter(object_id=None).exists()


def test_an_export_costs_the_same_statements_for_each_page(
    aree: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cost(page: int) -> int:
        monkeypatch.setattr(export, "PAGE", page)
        with statements() as sent:
            exported(aree, Transaction)
        return len(sent)

    cost(1_000)  # looks up once what is looked up once
    all_at_once = cost(1_000)
    rows = Transaction.objects.count()

    each = 2  # the transactions, and their entries
    assert cost(5) - all_at_once == each * (-(-rows // 5) - 1)


def test_the_file_is_named_by_model_and_date_and_kept_by_nobody(aree: Client) -> None:
    response = aree.post(address_of(Transaction, "export/"))

    name = f"transaction-{timezone.now():%Y-%m-%d}.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in response["Cache-Control"]
    break_off(response)


def test_amounts_are_numbers_and_times_are_utc(aree: Client) -> None:
    entry = Entry.objects.filter(amount__lt=0)[0]
    row = exported(aree, Entry, q=entry.pk)[0]
    assert row["amount"] == str(entry.amount)
    assert row["transaction_id"] == str(entry.transaction_id)

    made = exported(aree, Transaction, q=entry.transaction_id)[0]
    at = entry.transaction.created_at
    assert made["created at"] == f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
    assert made["coins"].lstrip("-").isdecimal()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+66 81 234", "'+66 81 234"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("  =1", "'  =1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("＝1＋1", "'＝1＋1"),
        ("＠x", "'＠x"),
        ("Nok;=1+1", "Nok;'=1+1"),
        ('Nok;"=1+1', "Nok;\"'=1+1"),
        ("Nok;\u200b=1+1", "Nok;\u200b'=1+1"),
        ("Nok\n=1+1", "Nok\n'=1+1"),
        ("-50", "-50"),
        ("+1.5", "+1.5"),
        ("-50\n", "'-50\n"),
        ("-5-3", "'-5-3"),
        (-50, "-50"),
        (True, "true"),
        (None, ""),
        ({"utm": "=x"}, '{"utm": "=x"}'),
        ("มาลัย", "มาลัย"),
        ("Nok", "Nok"),
        (mark_safe('<a href="/x">=Nok &amp; co</a>'), "'=Nok & co"),
    ],
)
def test_a_cell_is_harmless_and_a_number_stays_one(value: Any, cell: str) -> None:
    assert as_cell(value) == cell


def test_hostile_names_stay_in_their_cell(aree: Client) -> None:
    names = ['=HYPERLINK("http://evil","x")', 'a","b\r\n=c', "@x", "น้ำ, ฝน"]
    made = [UserFactory(first_name=name) for name in names]

    rows = {int(row["id"]): row["first name"] for row in exported(aree, User)}

    assert [rows[user.pk] for user in made] == [as_cell(name) for name in names]


class TestTheLog:
    def entry(self) -> LogEntry:
        return LogEntry.objects.latest("id")

    def test_tells_who_exported_which_list_how_filtered_and_how_many_rows(
        self, aree: Client
    ) -> None:
        held = exported(aree, Attribution, status__exact="held")

        entry = self.entry()
        assert entry.user.get_username() == "superaree"
        assert entry.content_type.model_class() is Attribution
        assert entry.change_message == (
            f"Exported as CSV: {len(held)} rows (status__exact=held). With personal data."
        )

    def test_tells_of_an_export_before_it_is_read(self, aree: Client) -> None:
        response = aree.post(address_of(Attribution, "export/"))

        assert self.entry().change_message.startswith("Export as CSV begun (no filter).")
        break_off(response)

    def test_tells_how_far_one_came_that_was_broken_off(
        self, aree: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(export, "PAGE", 2)
        response = aree.post(address_of(Attribution, "export/"))
        chunks = iter(response)
        assert [len(next(chunks).splitlines()) for _ in range(2)] == [1, 2]
        break_off(response)

        assert self.entry().change_message.startswith("Export stopped after 2 rows (no filter).")


def test_memory_does_not_grow_with_the_list(aree: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times the rows, the same peak."""
    monkeypatch.setattr(export, "PAGE", 200)

    def peak(rows: int) -> int:
        User.objects.bulk_create(
            User(clerk_id=f"user_{rows}_{n}", first_name=f"big{rows}", last_name="x" * 200)
            for n in range(rows)
        )
        User.objects.filter(first_name=f"big{rows}").update(banned_at=timezone.now())
        response = aree.post(address_of(User, "export/"), query_params={"kind": "gone"})
        tracemalloc.start()
        assert isinstance(response, StreamingHttpResponse)
        sent = sum(1 for _ in response)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sent >= rows // 200
        return most

    peak(200)  # compiles what is compiled once
    few = peak(400)
    assert peak(6_000) < few * 1.5
