"""What the stories of this app need besides the cast."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.services import create_api_key
from tests.referrals.back_end import BackEnd


@pytest.fixture
def back_end(db: Any) -> BackEnd:
    """The web app's own back end, which reports what people do."""
    _, key = create_api_key(name="web app", scopes=["events"], now=timezone.now())
    return BackEnd(key)
