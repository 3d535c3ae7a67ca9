"""Where invitations were opened, and what became of each."""

import pytest

from referrals.models import BrowserSession, Capture, Touch
from tests.factories import TermsFactory
from tests.people import Browser, Person
from tests.referrals.stories.told import moment, texts
from tests.referrals.story import code_of, user_of

pytestmark = pytest.mark.django_db


class TestVisits:
    def test_where_a_link_was_opened_is_told(self, noks_code: str, ploy: Person) -> None:
        browser = Browser()
        browser.post(
            "referrals/captures",
            {
                "code": noks_code,
                "landing_url": "https://app.example.com/welcome?token=x",
                "utm": {"source": "line", "campaign": "songkran"},
            },
        )
        browser.sign_in(ploy).me()
        session = BrowserSession.objects.get(adopted_by=user_of(ploy))

        told = moment(ploy, "Opened")

        assert told.by.text == "a visitor"
        assert told.details == (
            "Landed on https://app.example.com/welcome.",
            "The link says: campaign songkran, source line.",
            f"Browser session {session.pk.hex[:8]} on device {session.device_id.hex[:8]}.",
        )
        assert [row for _, row in told.links] == [Capture.objects.get(), session]

    def test_opening_once_more_is_told(self, noks_code: str, ploy: Person) -> None:
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.open_link(noks_code)

        assert f"Opened {noks_code} of Nok (user_nok), signed in." in texts(ploy)
        assert moment(ploy, f"Opened {noks_code} once more.").by.row == user_of(ploy)

    def test_one_that_another_touch_superseded_says_which(
        self, noks_code: str, ploy: Person, somchai: Person
    ) -> None:
        somchais = code_of(somchai, address="198.51.100.9")
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.open_link(somchais)
        browser.claim()

        told = moment(ploy, f"{noks_code} was put aside")

        assert told.text == f"{noks_code} was put aside for {somchais}: the last opened counts."

    def test_by_first_touch_the_first_one_counts(
        self, noks_code: str, ploy: Person, somchai: Person
    ) -> None:
        TermsFactory(touch=Touch.FIRST)
        somchais = code_of(somchai, address="198.51.100.9")
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.open_link(somchais)
        browser.claim()

        assert f"{somchais} was put aside for {noks_code}: the first opened counts." in texts(ploy)

    def test_one_that_a_named_code_superseded_says_so(
        self, noks_code: str, ploy: Person, somchai: Person
    ) -> None:
        somchais = code_of(somchai, address="198.51.100.9")
        browser = Browser().sign_in(ploy)
        browser.open_link(somchais)
        browser.claim(noks_code)

        assert f"{somchais} was put aside for {noks_code}, which was named." in texts(ploy)

    def test_ones_own_code_and_a_merged_one_are_told_though_nobody_holds_them(
        self, nok: Person, noks_code: str, ploy: Person
    ) -> None:
        phone, laptop = Browser(), Browser()
        phone.open_link(noks_code)
        phone.sign_in(nok).me()
        laptop.open_link(noks_code)
        other = Browser().sign_in(ploy)
        other.open_link(noks_code)
        laptop.sign_in(ploy).me()

        assert f"{noks_code} was dropped: it is their own code." in texts(nok)
        assert f"{noks_code} was merged with the same code, held already." in texts(ploy)

    def test_what_another_took_on_the_same_device_is_told(
        self, noks_code: str, ploy: Person, mali: Person, browser: Browser
    ) -> None:
        browser.sign_in(ploy).me()
        browser.sign_out().open_link(noks_code)
        browser.sign_in(mali).me()

        told = moment(ploy, f"{noks_code} was opened on device")

        assert told.text.endswith(
            "which Ploy uses too. Mali signed in there first, so it belongs to Mali."
        )
        assert told.by.row == user_of(mali)

    def test_what_nobody_took_on_the_same_device_is_told(
        self, noks_code: str, ploy: Person, browser: Browser
    ) -> None:
        browser.sign_in(ploy).me()
        browser.sign_out().open_link(noks_code)

        assert moment(ploy, f"{noks_code} was opened on device").text.endswith(
            "Nobody has signed in there since, so it belongs to nobody."
        )
