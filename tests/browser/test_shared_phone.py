"""People on one browser in real Chromium, by the demo page: who opened what, and who got it."""

from collections.abc import Callable
from itertools import count

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.phone import Elsewhere, Phone

serial = count(1)


class Story:
    """One test's cast, new to the program, and Nok's code from a phone of her own."""

    def __init__(self, elsewhere: Elsewhere) -> None:
        number = next(serial)
        self.nok, self.ploy, self.mali, self.somchai = (
            f"{name} {number}" for name in ("Nok", "Ploy", "Mali", "Somchai")
        )
        self.code = elsewhere.code_of(self.nok)

    @property
    def people(self) -> tuple[str, ...]:
        return self.nok, self.ploy, self.mali, self.somchai


@pytest.fixture
def story(elsewhere: Elsewhere) -> Story:
    return Story(elsewhere)


@pytest.fixture
def phone(page: Page, server: str, story: Story) -> Phone:
    return Phone(page, server, *story.people)


@pytest.fixture
def tab(browser_context: BrowserContext, server: str, story: Story) -> Callable[[], Phone]:
    return lambda: Phone(browser_context.new_page(), server, *story.people)


def test_who_signs_in_after_opening_a_link_is_attributed_and_both_are_rewarded(
    phone: Phone, story: Story, elsewhere: Elsewhere
) -> None:
    phone.open_link(story.code)
    assert "waits in this browser" in phone.notice
    assert "ref=" not in phone.page.url
    phone.sign_in(story.ploy)
    assert phone.invitation == story.code
    phone.claim()
    assert (phone.inviter, phone.attribution_status) == ("Nok", "pending")
    assert (phone.balance("stars"), phone.balance("free_points")) == (1, 3)
    phone.complete_reading()
    assert phone.attribution_status == "rewarded"
    assert elsewhere.api(story.nok, "GET", "me")["balances"]["coins"] == 50


def test_a_second_reading_rewards_nobody_again(
    phone: Phone, story: Story, elsewhere: Elsewhere
) -> None:
    phone.open_link(story.code).sign_in(story.ploy).claim()
    phone.complete_reading().complete_reading()
    assert elsewhere.api(story.nok, "GET", "me")["balances"]["coins"] == 50


def test_the_claim_comes_by_itself_where_the_app_wants_it(
    page: Page, server: str, story: Story
) -> None:
    phone = Phone(page, server, *story.people, claims_by_itself=True)
    phone.open_link(story.code).sign_in(story.ploy)
    assert "was invited by Nok" in phone.notice
    assert phone.inviter == "Nok"


def test_the_next_person_finds_nothing_of_the_last_ones_invitation(
    phone: Phone, story: Story
) -> None:
    phone.open_link(story.code).sign_in(story.ploy).sign_out()
    assert phone.invitation is None
    phone.sign_in(story.mali)
    assert phone.invitation is None
    phone.sign_out().sign_in(story.ploy)
    assert phone.invitation == story.code


def test_the_next_person_finds_nothing_after_a_claim(phone: Phone, story: Story) -> None:
    phone.open_link(story.code).sign_in(story.ploy).claim().sign_out().sign_in(story.mali)
    assert (phone.invitation, phone.inviter) == (None, None)
    phone.open()
    assert (phone.invitation, phone.inviter) == (None, None)


def test_a_link_opened_while_somebody_is_signed_in_is_theirs_alone(
    phone: Phone, story: Story
) -> None:
    phone.sign_in(story.ploy).open_link(story.code)
    assert "now" in phone.notice
    phone.sign_out().sign_in(story.mali)
    assert phone.invitation is None
    phone.sign_out()
    assert phone.invitation is None
    phone.sign_in(story.ploy).claim()
    assert phone.inviter == "Nok"


def test_each_of_three_people_gets_the_link_that_they_opened(
    phone: Phone, story: Story, elsewhere: Elsewhere
) -> None:
    somchais = elsewhere.code_of(story.somchai)
    phone.open_link(story.code).sign_in(story.ploy).sign_out()
    phone.open_link(somchais).sign_in(story.mali).sign_out()
    phone.sign_in(story.ploy).claim().sign_out()
    phone.sign_in(story.mali).claim().sign_out()
    assert elsewhere.inviter_of(story.ploy) == story.code
    assert elsewhere.inviter_of(story.mali) == somchais


@pytest.mark.parametrize("first", ["ploy", "mali"])
@pytest.mark.parametrize("claims_at_once", [True, False])
def test_whoever_signs_in_first_has_what_a_visitor_opened(
    phone: Phone, story: Story, elsewhere: Elsewhere, first: str, claims_at_once: bool
) -> None:
    one, other = (story.ploy, story.mali) if first == "ploy" else (story.mali, story.ploy)
    phone.open_link(story.code).sign_in(one)
    if claims_at_once:
        phone.claim()
    phone.sign_out().sign_in(other)
    assert phone.invitation is None
    phone.sign_out().sign_in(one)
    if not claims_at_once:
        phone.claim()
    assert phone.inviter == "Nok"
    assert elsewhere.inviter_of(other) is None


def test_a_later_link_wins(phone: Phone, story: Story, elsewhere: Elsewhere) -> None:
    somchais = elsewhere.code_of(story.somchai)
    phone.open_link(story.code).open_link(somchais).sign_in(story.ploy)
    assert phone.invitation == somchais
    phone.claim()
    assert phone.inviter == "Somchai"


def test_ones_own_link_is_refused_and_leaves_nothing_behind(phone: Phone, story: Story) -> None:
    phone.sign_in(story.nok).open_link(story.code)
    assert "own code" in phone.notice
    assert "ref=" not in phone.page.url
    phone.sign_out().sign_in(story.mali)
    assert phone.invitation is None


def test_ones_own_link_opened_as_a_visitor_is_dropped_at_sign_in(
    phone: Phone, story: Story
) -> None:
    phone.open_link(story.code).sign_in(story.nok)
    assert phone.invitation is None
    phone.sign_out().sign_in(story.mali)
    assert phone.invitation is None


def test_two_who_use_the_same_phone_are_held_for_staff(phone: Phone, story: Story) -> None:
    phone.sign_in(story.nok).sign_out().open_link(story.code).sign_in(story.ploy).claim()
    assert phone.attribution_status == "held"
    assert phone.balance("stars") == 0


def test_an_unknown_code_is_told_and_dropped(phone: Phone) -> None:
    phone.open_link("NO-SUCH-CODE")
    assert "no such code" in phone.notice
    assert phone.invitation is None
    assert "ref=" not in phone.page.url


def test_a_forgotten_invitation_is_gone(phone: Phone, story: Story) -> None:
    phone.open_link(story.code).forget()
    assert phone.invitation is None
    phone.sign_in(story.ploy)
    assert phone.invitation is None


def test_a_reload_keeps_the_invitation_and_the_person(phone: Phone, story: Story) -> None:
    phone.open_link(story.code).open()
    assert phone.invitation == story.code
    phone.sign_in(story.ploy).open()
    assert phone.invitation == story.code
    phone.claim().open()
    assert phone.inviter == "Nok"


def test_a_new_phone_knows_nothing_and_the_invitation_follows_its_person(
    phone: Phone, story: Story
) -> None:
    phone.open_link(story.code).sign_in(story.ploy).take_a_new_one()
    assert phone.invitation is None
    phone.sign_in(story.mali)
    assert phone.invitation is None
    phone.sign_out().sign_in(story.ploy)
    assert phone.invitation == story.code


def test_two_tabs_share_the_browser_session(
    phone: Phone, tab: Callable[[], Phone], story: Story
) -> None:
    other = tab()
    other.open_link(story.code)
    phone.sign_in(story.ploy)
    assert phone.invitation == story.code
    other.screen.get_by_text(story.ploy).first.wait_for()
    assert other.quiet().invitation == story.code
    phone.claim().sign_out()
    other.open()
    assert other.invitation is None


def test_a_claim_in_two_tabs_is_one_attribution(
    phone: Phone, tab: Callable[[], Phone], story: Story
) -> None:
    phone.open_link(story.code).sign_in(story.ploy)
    other = tab().open()
    buttons = [tab.screen.get_by_role("button", name="Claim it") for tab in (phone, other)]
    for button in buttons:
        button.evaluate("button => { button.click() }")
    assert (phone.quiet().inviter, other.quiet().inviter) == ("Nok", "Nok")
    assert phone.balance("stars") == 1


def test_a_failed_request_is_made_up_for(
    phone: Phone, story: Story, browser_context: BrowserContext
) -> None:
    captures = f"{phone.base_url}/api/v1/referrals/captures"
    browser_context.route(captures, lambda route: route.abort("connectionfailed"), times=1)
    phone.open_link(story.code)
    assert phone.invitation == story.code
    assert "ref=" not in phone.page.url


def test_a_reload_in_the_middle_of_an_outage_loses_nothing(
    phone: Phone, story: Story, browser_context: BrowserContext
) -> None:
    captures = f"{phone.base_url}/api/v1/referrals/captures"
    browser_context.route(captures, lambda route: route.abort("connectionfailed"))
    phone.page.goto(f"{phone.base_url}/?ref={story.code}")
    phone.page.get_by_text("Nobody is signed in").wait_for()
    assert story.code in phone.page.url
    browser_context.unroute(captures)
    phone.page.reload()
    phone.page.wait_for_selector("html[data-ready]")
    assert phone.quiet().invitation == story.code


def test_an_outage_is_shown_with_a_way_on(phone: Phone, browser_context: BrowserContext) -> None:
    phone.open()
    browser_context.set_offline(True)
    phone.page.evaluate("dispatchEvent(new StorageEvent('storage', {key: 'demo-person'}))")
    phone.page.get_by_text("The server cannot be reached").wait_for(timeout=15_000)
    browser_context.set_offline(False)
    phone.page.get_by_role("button", name="Try again").click()
    phone.page.get_by_text("Nobody is signed in").wait_for()
