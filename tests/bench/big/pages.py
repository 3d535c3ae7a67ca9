"""What is measured of the admin: addresses, and in words what each asks for."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin
from django.db.models import Model
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse

from accounts.models import User, WebhookReceipt
from backoffice.lists import COUNTED, ListAdmin
from referrals.models import Attribution, BrowserSession, Decision, QualifyingEvent, ReferralCode
from rewards.models import Transaction

FLOOR = "a plain admin page"


class Page(NamedTuple):
    """A page of the admin: of which list or object, what is asked of it, and its address."""

    subject: str
    asked: str
    address: str


def pages() -> Iterator[Page]:
    """Give the floor, then every list in every way, then objects' pages and the overviews."""
    yield Page(FLOOR, "password change", reverse("admin:password_change"))
    for model, model_admin in admin.site._registry.items():
        if isinstance(model_admin, ListAdmin):
            yield from _list_pages(model, model_admin)
    yield from _object_pages()
    yield from _overviews()


def _list_pages(model: type[Model], model_admin: ListAdmin) -> Iterator[Page]:
    meta = model._meta
    base = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    name = str(meta.verbose_name_plural)

    def page(asked: str, **query: Any) -> Page:
        return Page(name, asked, f"{base}?{urlencode(query)}" if query else base)

    yield page("first page")
    yield page("deep page", p=COUNTED // model_admin.list_per_page)
    dates = list(_dates(model_admin.date_hierarchy))
    for asked, query in dates:
        yield page(asked, **query)
    for asked, query in _filters(base, model_admin):
        yield page(asked, **query)
        for when, date in dates[:2]:
            yield page(f"{asked}, {when}", **query, **date)
    if model_admin.finders:
        for asked, term in _terms():
            yield page(f"search {asked}", q=term)
    for asked, query in _filters(base, model_admin)[:2]:
        if model_admin.finders:
            yield page(f"search name, {asked}", q="somchai", **query)


def _dates(field: str | None) -> Iterator[tuple[str, dict[str, int]]]:
    """The newest month, one long ago, and a year."""
    if not field:
        return
    newest = Attribution.objects.latest("claimed_at").claimed_at
    oldest = Attribution.objects.earliest("claimed_at").claimed_at
    month = {f"{field}__year": newest.year, f"{field}__month": newest.month}
    old = {f"{field}__year": oldest.year, f"{field}__month": oldest.month % 12 + 1}
    yield "last year", {f"{field}__year": oldest.year}
    yield "a month long ago", old
    yield "this month", month
    yield "a day", {**month, f"{field}__day": newest.day}


def _filters(base: str, model_admin: ListAdmin) -> list[tuple[str, dict[str, str]]]:
    """Every choice of every filter, as the list itself offers them."""
    request = _staff_request(base)
    changelist = model_admin.get_changelist_instance(request)
    found = []
    for spec in changelist.filter_specs:
        for choice in spec.choices(changelist):
            query = dict(_parsed(choice["query_string"]))
            if query:
                found.append((f"{spec.title}: {choice['display']}", query))
    return found


def _staff_request(base: str) -> Any:
    request = RequestFactory().get(base)
    request.user = User.objects.get(username="bench")
    return request


def _parsed(query_string: str) -> list[tuple[str, str]]:
    return parse_qsl(query_string.removeprefix("?"), keep_blank_values=True)


def _terms() -> Iterator[tuple[str, str]]:
    person = User.objects.filter(email__startswith="som").order_by("-id")[1000]
    code = ReferralCode.objects.get(owner=person, is_primary=True).code
    yield "Clerk id", person.clerk_id or ""
    yield "e-mail", person.email.capitalize()
    yield "part of an e-mail", person.email.split("@")[0][:-1]
    yield "code", f"{code[:4]}-{code[4:]}".lower()
    yield "part of a code", "nok 20"
    yield "first name", "Nokporn"
    yield "first and last name", f"{person.last_name} {person.first_name}"
    yield "Thai name", "น้ำ"
    yield "one letter", "s"
    yield "nobody", "zzzzzz"
    yield "attribution id", str(Attribution.objects.latest("claimed_at").pk)
    yield "transaction id", str(Transaction.objects.latest("created_at").pk)
    yield "browser session", str(BrowserSession.objects.latest("created_at").pk)
    yield "device", str(BrowserSession.objects.latest("created_at").device_id)
    yield "svix-id", WebhookReceipt.objects.latest("received_at").svix_id
    yield "event id", QualifyingEvent.objects.latest("received_at").event_id
    yield "refused code", "nok2o"


def _object_pages() -> Iterator[Page]:
    """Somebody ordinary, and whoever has the most of everything."""
    everybody = User.objects.filter(clerk_id__isnull=False)
    paid = Transaction.objects.latest("created_at")
    refused = Decision.objects.filter(outcome="refused").latest("at")
    rows: list[tuple[str, Model]] = [
        ("attribution", Attribution.objects.filter(status="rewarded").latest("claimed_at")),
        ("attribution, by the busiest referrer", Attribution.objects.filter(referrer=1)[0]),
        ("person", everybody.latest("created_at")),
        ("person, the busiest referrer", everybody.earliest("created_at")),
        ("transaction", paid),
        ("entry", paid.entries.all()[0]),
        ("code", ReferralCode.objects.latest("created_at")),
        ("code, the busiest", ReferralCode.objects.earliest("created_at")),
        ("decision", refused),
        ("browser session", BrowserSession.objects.latest("created_at")),
    ]
    for asked, row in rows:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
        yield Page("page", asked, reverse(name, args=[row.pk]))


def _overviews() -> Iterator[Page]:
    for asked, name in (
        ("index", "admin:index"),
        ("held queue", "admin:referrals_attribution_held"),
    ):
        try:
            yield Page("overview", asked, reverse(name))
        except NoReverseMatch:
            continue
