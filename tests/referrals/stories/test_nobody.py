"""Why somebody is attributed to nobody."""

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from referrals.models import Capture
from referrals.services.story import Tone
from tests.people import Browser, Person
from tests.referrals.stories.told import moment, summary, texts
from tests.referrals.story import invited

pytestmark = pytest.mark.django_db


class TestNobody:
    def test_nothing_was_opened(self, ploy: Person) -> None:
        Browser().sign_in(ploy).me()

        assert summary(ploy) == (
            "Ploy is attributed to nobody. No invitation was opened and no code was claimed."
        )

    def test_opened_and_not_claimed(self, noks_code: str, ploy: Person) -> None:
        Browser().sign_in(ploy).open_link(noks_code)

        assert f"{noks_code} of Nok was opened on" in summary(ploy)
        assert "has not been claimed; it can be claimed until" in summary(ploy)

    def test_opened_and_expired(self, noks_code: str, ploy: Person) -> None:
        Browser().sign_in(ploy).open_link(noks_code)
        Capture.objects.update(expires_at=timezone.now())

        assert summary(ploy).endswith("without being claimed.")
        assert moment(ploy, f"{noks_code} expired unclaimed.").tone == Tone.STOPS

    def test_expired_before_the_first_sign_in(
        self, noks_code: str, ploy: Person, browser: Browser
    ) -> None:
        browser.open_link(noks_code)
        Capture.objects.update(expires_at=timezone.now())
        browser.sign_in(ploy).me()

        assert "Ploy signed in: nothing opened in this browser was still valid." in texts(ploy)
        assert summary(ploy).endswith("without being claimed.")

    def test_forgotten(self, noks_code: str, ploy: Person) -> None:
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.delete("referrals/captures/current")

        assert summary(ploy).endswith("and forgotten on request.")

    def test_ones_own(self, nok: Person, noks_code: str, browser: Browser) -> None:
        browser.open_link(noks_code)
        browser.sign_in(nok).me()

        assert summary(nok).endswith("is their own code, and counts for nothing.")

    def test_another_person_signed_in_first_in_the_same_browser(
        self, noks_code: str, ploy: Person, mali: Person, browser: Browser
    ) -> None:
        browser.open_link(noks_code)
        browser.sign_in(mali).me()
        browser.sign_in(ploy).me()

        assert "but Mali signed in there first, on" in summary(ploy)
        assert summary(ploy).endswith("so it belongs to Mali.")

    def test_opened_in_the_same_browser_and_nobody_signed_in_since(
        self, noks_code: str, ploy: Person, browser: Browser
    ) -> None:
        browser.sign_in(ploy).me()
        browser.sign_out().open_link(noks_code)

        assert summary(ploy).endswith("and nobody has signed in there since.")

    def test_the_code_of_an_inviter_that_friends_opened_on_her_phone_is_not_missed_by_her(
        self, nok: Person, noks_code: str, ploy: Person, browser: Browser
    ) -> None:
        browser.sign_in(nok).me()
        browser.sign_out().open_link(noks_code)
        browser.sign_in(ploy).me()

        assert summary(nok).endswith("No invitation was opened and no code was claimed.")

    def test_a_code_that_does_not_exist(self, ploy: Person) -> None:
        Browser().sign_in(ploy).claim("NOSUCHCODE")

        assert "A claim of NOSUCHCODE on" in summary(ploy)
        assert summary(ploy).endswith("was refused: There is no such code.")

    def test_refused_and_another_opened_since(
        self, noks_code: str, ploy: Person, somchai: Person
    ) -> None:
        Browser().sign_in(ploy).claim("NOSUCHCODE")
        Browser().sign_in(ploy).open_link(noks_code)

        assert "There is no such code. " in summary(ploy)
        assert "it can be claimed until" in summary(ploy)

    def test_banned(self, noks_code: str, ploy: Person) -> None:
        Browser().sign_in(ploy).me()
        User.objects.filter(clerk_id=ploy.clerk_id).update(banned_at=timezone.now())

        assert summary(ploy).startswith("Ploy is banned. Ploy is attributed to nobody.")

    def test_erased(self, noks_code: str, ploy: Person) -> None:
        invited(ploy, noks_code)
        erase_user(clerk_id=ploy.clerk_id, now=timezone.now())

        assert summary(ploy).startswith("The account has been deleted. user_ploy was invited by")
        assert "Ploy" not in " ".join([summary(ploy), *texts(ploy)])
