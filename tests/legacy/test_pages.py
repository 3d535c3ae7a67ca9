"""What staff see of the replaced system."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from mimivibes.legacy.models import LegacyTransaction, Matter
from tests.factories import LegacyTransactionFactory, MatterFactory, UserFactory
from tests.staff import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def nok() -> User:
    return UserFactory(first_name="Nok")


@pytest.fixture
def old_row(nok: User) -> LegacyTransaction:
    return LegacyTransactionFactory(user=nok)


@pytest.fixture
def matter(nok: User) -> Matter:
    return MatterFactory(user=nok)


def page(model: str, pk: Any = None) -> str:
    if pk is None:
        return reverse(f"admin:legacy_{model}_changelist")
    return reverse(f"admin:legacy_{model}_change", args=[pk])


def test_a_persons_page_leads_to_the_old_rows(
    aree: Client, nok: User, old_row: LegacyTransaction
) -> None:
    person = aree.get(reverse("admin:accounts_user_change", args=[nok.pk])).content.decode()

    assert f"{page('legacytransaction')}?user__id__exact={nok.pk}" in person
    shown = aree.get(f"{page('legacytransaction')}?user__id__exact={nok.pk}").content.decode()
    assert "-1 star, +5 experience points" in shown


def test_old_rows_are_only_ever_added(old_row: LegacyTransaction) -> None:
    rows = LegacyTransaction.objects.filter(pk=old_row.pk)
    for change in (
        rows.delete,
        lambda: rows.update(stars=9),
        lambda: rows.update(details={"a": 1}),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_the_details_of_old_rows_go_with_the_person(nok: User, old_row: LegacyTransaction) -> None:
    erase_user(clerk_id=str(nok.clerk_id), now=timezone.now())

    old_row.refresh_from_db()
    assert old_row.details == {}
    assert old_row.stars == -1


def test_a_matter_is_settled_by_a_note_and_opened_again_without(
    aree: Client, matter: Matter
) -> None:
    aree.post(page("matter", matter.pk), {"note": "Paid by hand."})
    matter.refresh_from_db()
    assert (matter.note, matter.settled_by) == ("Paid by hand.", "aree")
    assert matter.settled_at is not None

    aree.post(page("matter", matter.pk), {"note": " "})

    matter.refresh_from_db()
    assert (matter.note, matter.settled_by, matter.settled_at) == ("", "", None)


def test_what_is_to_settle_can_be_listed_apart(aree: Client, matter: Matter) -> None:
    assert matter.subject in aree.get(f"{page('matter')}?state=open").content.decode()
    assert matter.subject not in aree.get(f"{page('matter')}?state=settled").content.decode()


def test_whoever_may_only_look_settles_nothing(matter: Matter) -> None:
    viewer = staff("view_matter")

    answer = viewer.post(page("matter", matter.pk), {"note": "Mine."})

    assert answer.status_code == 403
    assert matter.subject in viewer.get(page("matter")).content.decode()
