"""System checks: what is set but cannot be used is named, and never quoted."""

import base64
from typing import Any

import pytest

from accounts.checks import clerk_settings
from tests.settings import ISSUER_PRIVATE_KEY

SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()


def found(settings: Any, **changed: Any) -> list[str | None]:
    for name, value in changed.items():
        setattr(settings, name, value)
    messages = clerk_settings()
    assert not any(str(value) in str(messages) for value in changed.values() if value)
    return [message.id for message in messages]


def test_what_can_be_used_passes(settings: Any) -> None:
    key = "pk_test_" + base64.b64encode(b"clerk.example.com$").decode()

    assert found(settings, CLERK_PUBLISHABLE_KEY=key, CLERK_WEBHOOK_SECRETS=[SECRET]) == []


@pytest.mark.parametrize("key", ["hello", ISSUER_PRIVATE_KEY, "-----BEGIN PUBLIC KEY-----\nx"])
def test_a_key_that_is_no_public_key_is_named(settings: Any, key: str) -> None:
    assert found(settings, CLERK_JWT_KEY=key) == ["accounts.E001"]


@pytest.mark.parametrize(
    "key", ["hello", "pk_test_", "pk_test_%%%", "sk_test_Y2xlcms=", "pk_live_Y2xlcms", "pk_live_JA"]
)
def test_a_publishable_key_that_names_no_issuer_is_named(settings: Any, key: str) -> None:
    assert found(settings, CLERK_PUBLISHABLE_KEY=key) == ["accounts.E002"]


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%", "a", "whsec_c2VjcmV0IQ=x"])
def test_a_webhook_secret_that_cannot_be_decoded_is_named(settings: Any, secret: str) -> None:
    assert found(settings, CLERK_WEBHOOK_SECRETS=[SECRET, secret]) == ["accounts.E003"]
