"""The secret key is changed while people have opened codes and staff are signed in."""

from typing import Any

import pytest
from django.test import Client

from tests.people import Browser

NEW = "another-key-of-at-least-fifty-characters-made-for-this-test-0123456789"


@pytest.mark.parametrize("fallbacks", [True, False])
def test_a_code_opened_before_is_still_there_as_long_as_the_old_key_is_named(
    browser: Browser, noks_code: str, settings: Any, fallbacks: bool
) -> None:
    browser.open_link(noks_code)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if fallbacks else []
    settings.SECRET_KEY = NEW

    capture = browser.get("referrals/captures/current").json()["capture"]
    assert (capture is not None) is fallbacks


@pytest.mark.parametrize("fallbacks", [True, False])
def test_staff_stay_signed_in_as_long_as_the_old_key_is_named(
    aree: Client, settings: Any, fallbacks: bool
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if fallbacks else []
    settings.SECRET_KEY = NEW

    assert (aree.get("/admin/").status_code == 200) is fallbacks
