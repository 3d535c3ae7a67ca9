"""The demo stays out of production, and its data is a program in every state."""

import json
from datetime import datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import Http404
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from mimivibes.demo import data, urls, views
from referrals.models import Attribution, Capture, Decision, Status
from rewards.services import verify_ledger


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.mark.parametrize("route", urls.urlpatterns, ids=lambda route: str(route.pattern) or "page")
def test_no_view_answers_without_debug(route: Any) -> None:
    for method in ("get", "post"):
        request = getattr(RequestFactory(), method)("/demo")
        try:
            assert route.callback(request).status_code == 405
        except Http404:
            continue


@pytest.mark.parametrize("path", ["/", "/demo/people", "/demo/token", "/demo/qr?text=x"])
def test_nothing_is_routed_without_debug(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"name": 3}', '{"name": "--"}'])
def test_a_name_that_cannot_be_one_is_refused(settings: Any, body: str) -> None:
    settings.DEBUG = True
    request = RequestFactory().post("/demo/token", body, content_type="application/json")
    response = views.token(request)
    assert response.status_code == 400
    assert json.loads(response.content)["detail"]


def test_load_demo_refuses_to_run_without_debug() -> None:
    with pytest.raises(CommandError, match="DEBUG is off") as refusal:
        call_command("load_demo")
    assert refusal.value.returncode == 1


@pytest.mark.django_db
def test_demo_data_shows_every_state_and_a_proven_ledger(now: datetime) -> None:
    assert data.load(now)
    assert set(Attribution.objects.values_list("status", flat=True)) == set(Status.values)
    assert set(WebhookReceipt.objects.values_list("status", flat=True)) == {
        "processed",
        "ignored",
        "failed",
    }
    assert Decision.objects.filter(refusal="not_new_account").exists()
    assert verify_ledger() == []


@pytest.mark.django_db
def test_demo_data_loaded_twice_changes_nothing(now: datetime) -> None:
    data.load(now)
    models = (User, Attribution, Capture, Decision, WebhookReceipt)
    before = [model.objects.count() for model in models]
    assert not data.load(now)
    assert [model.objects.count() for model in models] == before
