"""Staff decide the held queue in a real Chromium: by keyboard alone, and without JavaScript."""

from itertools import count

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Console
from tests.browser.phone import Elsewhere
from tests.browser.staff import Album, BackOffice

serial = count(1)
QUEUE = "referrals/attribution/held/"
REVIEWER = ["view_attribution", "decide_attribution", "view_user"]


class InvitersPhone:
    """An inviter's own phone, on which others accept her invitation: each claim is held."""

    def __init__(self, base_url: str, inviter: str) -> None:
        self.elsewhere = Elsewhere(base_url)
        self.inviter = inviter
        self.http = httpx.Client(base_url=f"{base_url}/api/v1/")
        self.code = self._call(inviter, "GET", "me")["referral_code"]

    def invite(self, guest: str) -> None:
        self._call(guest, "GET", "me")
        claimed = self._call(guest, "POST", "referrals/claim", json={"code": self.code})
        assert claimed["attribution"]["status"] == "held"

    def status_of(self, guest: str) -> str:
        return str(self.elsewhere.api(guest, "GET", "me")["attribution"]["status"])

    def stars_of(self, guest: str) -> int:
        return int(self.elsewhere.api(guest, "GET", "me")["balances"]["stars"])

    def report_reading_of(self, guest: str) -> None:
        http = self.elsewhere.http
        headers = {"X-CSRFToken": http.cookies["csrftoken"]}
        http.post("/demo/reading", json={"name": guest}, headers=headers).raise_for_status()

    def _call(self, name: str, method: str, path: str, **options: object) -> dict[str, dict]:  # type: ignore[type-arg]
        headers = {"Authorization": f"Bearer {self.elsewhere.token(name)}"}
        response = self.http.request(method, path, headers=headers, **options)  # type: ignore[arg-type]
        response.raise_for_status()
        return dict(response.json())


class Keyboard:
    """A reviewer who has no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def go_to_case_of(self, name: str) -> None:
        """Press j until the case of `name` has the focus."""
        for _ in range(25):
            if f"({name}) invited by" in self.focused.partition("\n")[0]:
                return
            self.press("j")
        raise AssertionError(f"j does not lead to {name}")

    def tab_to(self, name: str) -> None:
        """Press Tab until the button of this name has the focus, which can be seen."""
        button = self.page.get_by_role("button", name=name)
        for _ in range(12):
            if button.evaluate("(button) => button === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {name}")

    @property
    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.innerText ?? ''"))


@pytest.fixture
def reviewer(back_office: BackOffice, page: Page) -> Page:
    """The page of a reviewer who has signed in."""
    back_office.sign_in(page, back_office.hire(f"aree_q{next(serial)}", permissions=REVIEWER))
    return page


def test_one_is_approved_and_two_rejected_by_keyboard_alone(
    back_office: BackOffice, reviewer: Page, console: Console
) -> None:
    phone = InvitersPhone(back_office.base_url, "Keyboard Nok")
    for guest in ("Keyboard Ploy", "Keyboard Mali", "Keyboard Somchai"):
        phone.invite(guest)
    phone.report_reading_of("Keyboard Ploy")
    keyboard = Keyboard(reviewer)
    back_office.open(reviewer, QUEUE)

    keyboard.go_to_case_of("user_keyboard_ploy")
    keyboard.press("x", "a")
    expect(reviewer.get_by_label("Reason")).to_be_focused()
    reviewer.keyboard.type("A taxi; ask her. Just okay?")  # the letters of the shortcuts, too
    keyboard.press("Enter")

    expect(reviewer.get_by_role("heading", name="Approve 1 held attribution")).to_be_visible()
    effect = reviewer.get_by_label("What it will do")
    expect(effect).to_contain_text("(user_keyboard_ploy) by Keyboard (user_keyboard_nok)")
    noks_coins = effect.get_by_role("row", name="(user_keyboard_nok) their own Coins +50")
    expect(noks_coins).to_be_visible()
    assert phone.status_of("Keyboard Ploy") == "held"
    keyboard.tab_to("Confirm: Approve 1 held attribution")
    keyboard.press("Enter")
    expect(reviewer.get_by_text("1 attribution was approved.")).to_be_visible()
    assert phone.status_of("Keyboard Ploy") == "rewarded"

    keyboard.go_to_case_of("user_keyboard_mali")
    keyboard.press("x")
    keyboard.go_to_case_of("user_keyboard_somchai")
    keyboard.press("x", "r")
    reviewer.keyboard.type("The same person")
    keyboard.press("Enter")
    expect(reviewer.get_by_label("What it will do")).to_contain_text("Nothing moves on the ledger.")
    keyboard.tab_to("Confirm: Reject 2 held attributions")
    keyboard.press("Enter")

    expect(reviewer.get_by_text("2 attributions were rejected.")).to_be_visible()
    assert phone.status_of("Keyboard Mali") == "rejected"
    assert phone.status_of("Keyboard Somchai") == "rejected"
    assert console.complaints == []


def test_the_queue_and_the_preview_can_be_read_by_everybody_on_every_screen(
    back_office: BackOffice, reviewer: Page, album: Album
) -> None:
    phone = InvitersPhone(back_office.base_url, "Picture Nok")
    for guest in ("Picture Ploy", "Picture Mali"):
        phone.invite(guest)
    phone.report_reading_of("Picture Ploy")
    back_office.open(reviewer, QUEUE)
    Keyboard(reviewer).go_to_case_of("user_picture_ploy")
    Keyboard(reviewer).press("x", "a")

    faults = album.inspect(reviewer, "queue")
    reviewer.get_by_label("Reason").fill("She is known to us; the phone is her mother's.")
    reviewer.get_by_role("button", name="Approve…").click()
    faults += album.inspect(reviewer, "queue-preview")

    assert faults == []


def test_a_preview_that_has_gone_stale_is_shown_anew(
    back_office: BackOffice, reviewer: Page, album: Album
) -> None:
    phone = InvitersPhone(back_office.base_url, "Stale Nok")
    phone.invite("Stale Ploy")
    back_office.open(reviewer, QUEUE)
    reviewer.get_by_role("checkbox", name="user_stale_ploy").check()
    reviewer.get_by_label("Reason").fill("Known to us")
    reviewer.get_by_role("button", name="Approve…").click()
    effect = reviewer.get_by_label("What it will do")
    expect(effect).not_to_contain_text("+50")

    phone.report_reading_of("Stale Ploy")  # so that an approval would pay the inviter as well
    reviewer.get_by_role("button", name="Confirm").click()

    expect(reviewer.get_by_role("alert")).to_contain_text("meanwhile something has changed")
    expect(effect).to_contain_text("+50")
    assert phone.status_of("Stale Ploy") == "held"
    assert album.inspect(reviewer, "queue-stale") == []
    reviewer.get_by_role("button", name="Confirm").click()
    expect(reviewer.get_by_text("1 attribution was approved.")).to_be_visible()
    assert phone.status_of("Stale Ploy") == "rewarded"


def test_the_keys_are_explained_and_can_be_switched_off(
    back_office: BackOffice, reviewer: Page, album: Album
) -> None:
    back_office.open(reviewer, QUEUE)  # the demo's own cases wait here
    keyboard = Keyboard(reviewer)

    keyboard.press("?")
    expect(reviewer.get_by_role("dialog")).to_be_visible()
    faults = album.inspect(reviewer, "queue-help")
    reviewer.get_by_label("Single keys are shortcuts").uncheck()
    keyboard.press("Escape", "j", "x")

    expect(reviewer.get_by_role("checkbox", checked=True)).to_have_count(0)
    assert "invited by" not in keyboard.focused.partition("\n")[0]
    assert faults == []


def test_all_of_it_works_without_javascript(back_office: BackOffice, chromium: Browser) -> None:
    phone = InvitersPhone(back_office.base_url, "Plain Nok")
    phone.invite("Plain Ploy")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    back_office.sign_in(page, back_office.hire("aree_no_js", permissions=REVIEWER))

    back_office.open(page, QUEUE)
    expect(page.locator("[data-keys]")).to_be_hidden()
    page.get_by_role("checkbox", name="user_plain_ploy").check()
    page.get_by_label("Reason").fill("Known to us")
    page.get_by_role("button", name="Approve…").click()
    expect(page.get_by_label("What it will do")).to_contain_text("user_plain_ploy")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("1 attribution was approved.")).to_be_visible()
    context.close()

    assert phone.stars_of("Plain Ploy") == 1
