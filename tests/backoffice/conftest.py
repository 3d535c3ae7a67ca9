"""A back office with something on every list, loaded once for all tests of a module."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import create_api_key
from backoffice.models import SecondFactor
from mimivibes.demo.data import load
from mimivibes.legacy.models import LegacyAccount
from mimivibes.models import CommandRun, ScheduledJob
from outbox.models import OutboxMessage
from referrals.models import Program
from rewards.models import ExchangeRate, GrantRequest, LedgerProof
from tests.factories import (
    AttributionFactory,
    BrowserSessionFactory,
    CaptureFactory,
    LegacyTransactionFactory,
    MatterFactory,
    TermsFactory,
    UnusedTableBackupFactory,
)
from tests.staff import signed_in

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


def address_of(model: type[Model], page: str = "") -> str:
    """Return the address of a model's list in the admin, or of a page below it."""
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


@pytest.fixture(scope="module")
def _loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        load(timezone.now())
        AttributionFactory.create_batch(3)
        for session in BrowserSessionFactory.create_batch(2):
            CaptureFactory(browser_session=session, landing_url="https://app.example.com/?ref=x")
        TermsFactory()
        Program.objects.create(slug="autumn", name="Autumn")
        for name in ("readings", "shop"):
            create_api_key(name=name, scopes=["events"], now=timezone.now())
        ExchangeRate.objects.create(from_currency="exp", to_currency="coins", price=3)
        for n in range(2):
            CommandRun.objects.create(command=f"command_{n}", runner="x", started_at=timezone.now())
            ScheduledJob.objects.create(name=f"command_{n}", due_at=timezone.now())
            OutboxMessage.objects.create(
                type="balance.changed", data={}, created_at=timezone.now(), sent_at=timezone.now()
            )
            UnusedTableBackupFactory()
            LedgerProof.objects.create(started_at=timezone.now(), seconds=n, fault_count=0)
            GrantRequest.objects.create(
                user=User.objects.latest("id"),
                requested_by=User.objects.earliest("id"),
                requested_at=timezone.now(),
                coins=5_000,
                reason="Lost",
                nonce=uuid4(),
            )
        for old in LegacyTransactionFactory.create_batch(2):
            MatterFactory(user=old.user)
            LegacyAccount.objects.create(user=old.user, imported_at=timezone.now())
        for user in (User.objects.earliest("id"), User.objects.latest("id")):
            SecondFactor.objects.create(user=user, name="App")
        # Autovacuum would count no row of a transaction that is under way, and PostgreSQL then join
        # these tables as if all were empty: for minutes. This keeps it off them until the end.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def demo(_loaded: None, db: None) -> None:
    """The demo's people and their story, and a few rows more; what a test adds is taken back."""


@pytest.fixture
def aree(demo: None) -> Client:
    """A superuser's browser, signed in."""
    return signed_in(User.objects.create_superuser("superaree", "secret"))
