"""An erased person: what the referral tables said of them goes, what others stand on stays."""

import pytest
from django.utils import timezone

from accounts.services import erase_user
from referrals.models import Decision, QualifyingEvent, UserDevice
from tests.people import Browser, Person
from tests.problems import refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, invited, open_captures_of, timeline, user_of

pytestmark = pytest.mark.django_db


def test_what_was_said_of_the_person_goes(noks_code: str, ploy: Person, back_end: BackEnd) -> None:
    browser = invited(ploy, noks_code)
    browser.post("referrals/captures", {"code": noks_code, "landing_url": "https://a.example/me"})
    sent = {"id": "evt_1", "type": "x", "user_id": ploy.clerk_id, "data": {"question": "Private"}}
    back_end.post("events", sent)

    erase_user(clerk_id=ploy.clerk_id, now=timezone.now())

    user = user_of(ploy)
    assert open_captures_of(ploy) == []
    assert set(user.captures.values_list("landing_url", flat=True)) == {""}
    assert not UserDevice.objects.filter(user=user).exists()
    assert QualifyingEvent.objects.get(event_id="evt_1").data == {}
    assert set(Decision.objects.values_list("address_hash", flat=True)) == {""}
    assert back_end.post("events", sent).status_code == 200  # the repeat is still known as one
    refused(browser.get("me"), 403, "account_deleted")


def test_what_was_held_for_the_person_is_rejected(noks_code: str, nok: Person) -> None:
    unknown = Person("user_ploy")
    invited(unknown, noks_code)

    erase_user(clerk_id=unknown.clerk_id, now=timezone.now())

    assert timeline(attribution_of(unknown)) == [("", "held"), ("held", "rejected")]
    stats = Browser().sign_in(nok).get("referrals/status").json()["stats"]
    assert (stats["held"], stats["rejected"]) == (0, 1)
