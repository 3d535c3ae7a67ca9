"""What every page of the admin asks of the database: no more for more rows, and never very much."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from accounts.models import User
from backoffice.corrections import CorrectableAdmin, Correction
from referrals.models import (
    Attribution,
    BrowserSession,
    Program,
    QualifyingEvent,
    ReferralCode,
    Status,
    UserDevice,
)
from referrals.services import corrections
from rewards.amounts import Amounts
from rewards.services import grant
from tests.backoffice import admin_pages
from tests.backoffice.conftest import REGISTERED, address_of
from tests.factories import AttributionFactory, CaptureFactory, ReferralCodeFactory, TermsFactory
from tests.referrals.aree import by_aree
from tests.statements import statements

pytestmark = pytest.mark.django_db
MOST_STATEMENTS = 35
MOST_OF_A_PREVIEW = 45
MORE = 4
CORRECTIONS = [
    (model, correction)
    for model in REGISTERED
    if isinstance(model_admin := admin.site._registry[model], CorrectableAdmin)
    for correction in model_admin.corrections
]


def more_around(*rows: Any) -> None:
    """Let there be more of everything that a page about one of these rows may tell."""
    for _ in range(MORE):
        for user in told_of(rows, User):
            more_of_a_person(user)
        for attribution in told_of(rows, Attribution):
            again = attribution.timeline.latest("pk")
            again.pk, again.at = None, timezone.now()
            again.save(force_insert=True)
        for code in told_of(rows, ReferralCode):
            AttributionFactory(code=code)
        for session in told_of(rows, BrowserSession):
            CaptureFactory(browser_session=session, user=None)
        for program in Program.objects.all():
            version = program.terms.count() + 1
            AttributionFactory(terms=TermsFactory(program=program, version=version))
        for group in told_of(rows, Group):
            group.permissions.add(Permission.objects.exclude(group=group).earliest("pk"))
        for row in rows:
            LogEntry.objects.create(
                user=User.objects.create_user(str(uuid4())),
                content_type=ContentType.objects.get_for_model(row),
                object_id=str(row.pk),
                action_flag=CHANGE,
                change_message="A note",
            )


def told_of(rows: Iterable[Any], model: type[Model]) -> set[Any]:
    """Return the rows of a model among these, and those that they refer to."""
    referred = {
        getattr(row, field.name)
        for row in rows
        for field in row._meta.fields
        if field.related_model is model
    }
    return ({row for row in rows if isinstance(row, model)} | referred) - {None}


def more_of_a_person(user: User) -> None:
    AttributionFactory(code=ReferralCodeFactory(owner=user, is_primary=False))
    CaptureFactory(user=user)
    UserDevice.objects.create(user=user, device_id=uuid4())
    now, once = timezone.now(), str(uuid4())
    QualifyingEvent.objects.create(event_id=once, type="shared", user=user, occurred_at=now)
    if user.clerk_id and not user.is_gone:
        grant(user_id=user.pk, amounts=Amounts(stars=1), kind="grant", key=once, now=now)


def cost(ask: Callable[[], Any]) -> int:
    with statements() as sent:
        assert ask().status_code < 500
    return len(sent)


def test_every_page_costs_the_same_however_much_there_is(aree: Client) -> None:
    """Lists, pages of rows and their histories, forms, the second factor, the index."""
    rows: dict[type[Model], Any] = {model: model._default_manager.first() for model in REGISTERED}
    rows[User] = User.objects.filter(clerk_id__isnull=False).earliest("pk")
    rows[Attribution] = Attribution.objects.filter(status=Status.REWARDED).latest("pk")
    pages = admin_pages.pages(rows)
    del pages["logout"]  # after which nobody would be signed in

    def costs() -> dict[str, int]:
        return {name: cost(lambda at=at: aree.get(at)) for name, at in pages.items()}

    more_around(*rows.values())
    costs()  # what is looked up once for all is looked up
    few = costs()
    more_around(*rows.values())
    many = costs()

    assert {name: (few[name], many[name]) for name in pages if few[name] != many[name]} == {}
    assert {name: n for name, n in many.items() if n > MOST_STATEMENTS} == {}


@pytest.fixture
def correctable(demo: None) -> None:
    """Something that each correction applies to, besides what the demo has."""
    held = Attribution.objects.filter(status=Status.HELD).earliest("pk")
    by_aree(corrections.reject, held)
    rewarded = Attribution.objects.filter(status=Status.REWARDED).earliest("pk")
    by_aree(corrections.move_to_referrer, rewarded, code=ReferralCodeFactory())


@pytest.mark.parametrize(
    ("model", "correction"), CORRECTIONS, ids=lambda given: getattr(given, "slug", "")
)
def test_a_correction_costs_the_same_however_much_there_is(
    model: type[Model], correction: Correction, aree: Client, correctable: None
) -> None:
    """Its form, and what it shows that it would do."""
    code = ReferralCodeFactory().code
    asked = {"reason": "Settled", "code": code, "coins": "1", "nonce": uuid4(), "preview": "1"}

    def page(row: Model) -> str:
        return address_of(model, f"{row.pk}/{correction.slug}/")

    def preview(row: Model) -> Any:
        return aree.post(page(row), asked)

    row = next(
        row
        for row in model._default_manager.order_by("pk")
        if correction.applies(row) and "effect" in preview(row).context
    )
    few = cost(lambda: aree.get(page(row))), cost(lambda: preview(row))
    more_around(row)
    many = cost(lambda: aree.get(page(row))), cost(lambda: preview(row))

    assert "effect" in preview(row).context
    assert few == many
    assert max(many) <= MOST_OF_A_PREVIEW
