"""The page of a person in the admin: story, whom they invited, ledger, devices, deliveries."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from accounts.services import erase_user
from referrals.models import UserDevice
from referrals.services.attributions import reverse_attribution
from rewards import services as rewards
from rewards.amounts import Amounts
from rewards.models import Transaction
from tests.factories import AttributionFactory, CaptureFactory, ReferralCodeFactory, UserFactory
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, invited, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


def address(row: Any) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def page(client: Client, user: User) -> str:
    response = client.get(address(user))
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def delivery(number: int, **fields: Any) -> WebhookReceipt:
    now = timezone.now()
    fields = {"status": "processed", "processed_at": now, **fields}
    return WebhookReceipt.objects.create(
        svix_id=f"msg_{number}", type="user.updated", clerk_id="user_nok", received_at=now, **fields
    )


def test_somebody_who_is_not_attributed_is_told_of_with_the_rule_that_stopped_it(
    aree: Client, noks_code: str
) -> None:
    tom = newcomer("Tom", age_seconds=40 * 86400)
    Browser().sign_in(tom).claim(noks_code)

    shown = page(aree, user_of(tom))

    assert "Tom is attributed to nobody. A claim of" in shown
    assert "The account was 40 days old; the window is 7 days." in shown
    assert "The account is new: <strong>failed</strong>" in shown


def test_whom_they_invited_is_shown_with_what_each_brought(
    aree: Client, nok: Person, noks_code: str, ploy: Person, mali: Person, back_end: BackEnd
) -> None:
    for friend in (ploy, mali):
        invited(friend, noks_code)
        back_end.report(friend)
    reverse_attribution(
        attribution=attribution_of(mali), actor="staff:aree", reason="x", now=timezone.now()
    )

    rows = aree.get(address(user_of(nok))).context["invited"]

    assert [(row["name"], row["to_referrer"], row["to_referee"]) for row in rows] == [
        ("Mali (user_mali)", "—", "—"),
        ("Ploy (user_ploy)", "+50 coins", "+1 star"),
    ]
    shown = page(aree, user_of(nok))
    for friend in (ploy, mali):
        assert f'href="{address(user_of(friend))}"' in shown
        assert f'href="{address(attribution_of(friend))}"' in shown


def test_balances_have_the_ledger_behind_them(aree: Client, nok: Person, noks_code: str) -> None:
    user = user_of(nok)
    for number in range(25):
        rewards.grant(
            user_id=user.pk,
            amounts=Amounts(stars=2),
            kind="grant",
            key=f"k{number}",
            memo=f"Gift {number}",
            now=timezone.now() + timedelta(seconds=number),
        )

    shown = page(aree, user)

    assert "<dt>Stars</dt><dd>50</dd>" in shown
    newest = Transaction.objects.get(idempotency_key="k24")
    assert f'href="{address(newest)}"' in shown
    assert "Gift 5<" in shown
    assert "Gift 4<" not in shown
    assert f"/admin/rewards/transaction/?user__id__exact={user.pk}" in shown


def test_devices_name_who_else_used_them(
    aree: Client, ploy: Person, mali: Person, browser: Browser
) -> None:
    browser.sign_in(ploy).me()
    browser.sign_in(mali).me()

    shown = page(aree, user_of(ploy))

    assert f'<a href="{address(user_of(mali))}">Mali (user_mali)</a>' in shown


def test_a_device_of_very_many_names_some_and_links_to_all(aree: Client, ploy: Person) -> None:
    Browser().sign_in(ploy).me()
    device = UserDevice.objects.get()
    for other in UserFactory.create_batch(12):
        UserDevice.objects.create(device_id=device.device_id, user=other)

    (shown,) = aree.get(address(user_of(ploy))).context["devices"]

    assert len(shown["others"]) == 10
    assert f"device_id__exact={device.device_id}" in page(aree, user_of(ploy))


class TestClerk:
    def test_the_age_of_the_profile_is_told(self, aree: Client) -> None:
        user = UserFactory(clerk_updated_at=timezone.now() - timedelta(hours=3, minutes=1))

        assert "as of 3\xa0hours, 1\xa0minute ago" in aree.get(address(user)).content.decode()

    def test_what_was_never_received_is_told_with_what_staff_can_do(self, aree: Client) -> None:
        user = UserFactory(account_created_at=None)

        shown = page(aree, user)

        assert "Never received: only what the sign-in token says is known." in shown
        assert "Not known yet, so claims are held." in shown
        assert "manage.py sync_clerk_users --missing" in shown

    def test_deliveries_are_shown_and_the_failed_one_stands_out(
        self, aree: Client, nok: Person, noks_code: str
    ) -> None:
        delivery(1)
        failed = delivery(
            2,
            status="failed",
            processed_at=None,
            next_attempt_at=timezone.now(),
            reason="TimeoutError",
        )

        shown = page(aree, user_of(nok))

        assert f'<tr class="failed"> <th scope="row"><a href="{address(failed)}">' in shown
        assert shown.count('<tr class="failed">') == 1
        assert "TimeoutError" in shown


def test_an_erased_person_has_a_page_without_the_person(
    aree: Client, noks_code: str, ploy: Person
) -> None:
    invited(ploy, noks_code)
    user = user_of(ploy)
    erase_user(clerk_id=ploy.clerk_id, now=timezone.now())

    shown = page(aree, user)

    assert "The account has been deleted." in shown
    assert "erased with the account" in shown
    assert "Ploy" not in shown


def test_staff_have_no_story(aree: Client) -> None:
    shown = page(aree, User.objects.get(username="aree"))

    assert "The story" not in shown
    assert 'name="username"' in shown


def test_a_viewer_sees_of_each_app_what_they_may(nok: Person, noks_code: str) -> None:
    viewer = User.objects.create_user("viewer", "secret")
    client = Client()
    client.force_login(viewer)
    expected = [("view_user", "Facts"), ("view_attribution", "The story")]
    expected += [("view_webhookreceipt", "Clerk’s deliveries")]
    delivery(1)
    seen = []

    for codename, heading in expected:
        viewer.user_permissions.add(Permission.objects.get(codename=codename))
        shown = page(client, user_of(nok))
        seen.append(heading)
        for _, each in expected:
            assert (f"{each}</h2>" in shown) == (each in seen)
        assert "Ledger</h2>" not in shown

    viewer.user_permissions.set(
        Permission.objects.filter(
            codename__in=["view_user", "view_transaction", "view_balance"],
            content_type__app_label__in=["accounts", "rewards"],
        )
    )
    shown = page(client, user_of(nok))
    assert "Ledger</h2>" in shown
    assert "The story</h2>" not in shown


def test_it_costs_the_same_however_much_there_is(
    aree: Client, nok: Person, noks_code: str, ploy: Person, browser: Browser
) -> None:
    user = user_of(nok)

    def fill(numbers: range) -> None:
        for number in numbers:
            delivery(number)
            AttributionFactory(code__owner=user, code__is_primary=False)
            CaptureFactory(user=user)
            device = UserDevice.objects.create(
                device_id=f"00000000-0000-4000-8000-{number:012d}", user=user
            )
            UserDevice.objects.create(device_id=device.device_id, user=UserFactory())
            rewards.grant(
                user_id=user.pk,
                amounts=Amounts(stars=1),
                kind="grant",
                key=f"g{number}",
                now=timezone.now(),
            )
            ReferralCodeFactory(owner=user, is_primary=False)
            Browser().sign_in(nok).claim("NOSUCHCODE")

    def cost() -> int:
        with statements() as sent:
            page(aree, user)
        return len(sent)

    fill(range(2))
    page(aree, user)
    few = cost()
    fill(range(2, 9))

    assert cost() == few
    assert few <= 35
