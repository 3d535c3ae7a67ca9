"""A phone that people pass around, by the demo page; and what goes on away from it."""

from typing import Any

import httpx
from playwright.sync_api import Locator, Page


class Elsewhere:
    """The demo's server as other devices reach it: each call is a new browser."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.Client(base_url=base_url)
        self.http.get("/")

    def token(self, name: str, **options: Any) -> str:
        headers = {"X-CSRFToken": self.http.cookies["csrftoken"]}
        response = self.http.post("/demo/token", json={"name": name, **options}, headers=headers)
        response.raise_for_status()
        return str(response.json()["token"])

    def code_of(self, name: str) -> str:
        """Return a person's code, after they have signed in on a device of their own."""
        return str(self.api(name, "GET", "me")["referral_code"])

    def api(self, name: str, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = httpx.request(
            method,
            f"{self.base_url}/api/v1/{path}",
            headers={"Authorization": f"Bearer {self.token(name)}"},
            **options,
        )
        response.raise_for_status()
        return dict(response.json())

    def inviter_of(self, name: str) -> str | None:
        attribution = self.api(name, "GET", "me")["attribution"]
        return attribution and str(attribution["code"])


class Phone:
    """The demo page in one tab, used as people use it; each verb waits until the page is quiet."""

    def __init__(self, page: Page, base_url: str, *people: str, claims_by_itself: bool = False):
        self.page = page
        self.base_url = base_url
        page.add_init_script(
            "localStorage.getItem('demo-people') ?? localStorage.setItem('demo-people', "
            f"{str(list(people))!r}.replaceAll(\"'\", '\"'));"
            + ("" if claims_by_itself else "localStorage.setItem('demo-auto-claim', 'off');")
        )
        self.is_open = False

    def open(self, address: str = "/") -> "Phone":
        self.page.goto(f"{self.base_url}{address}")
        self.page.wait_for_selector("html[data-ready]")
        self.is_open = True
        return self.quiet()

    def quiet(self) -> "Phone":
        self.page.wait_for_selector("#screen[aria-busy=false]")
        return self

    def open_link(self, code: str) -> "Phone":
        return self.open(f"/?ref={code}")

    def sign_in(self, name: str) -> "Phone":
        if not self.is_open:
            self.open()
        return self._press(self.page.get_by_role("button", name=f"Sign in as {name}", exact=True))

    def sign_out(self) -> "Phone":
        return self._press(self.screen.get_by_role("button", name="Sign out"))

    def claim(self) -> "Phone":
        return self._press(self.screen.get_by_role("button", name="Claim it"))

    def forget(self) -> "Phone":
        return self._press(self.screen.get_by_role("button", name="Forget it"))

    def complete_reading(self) -> "Phone":
        return self._press(self.screen.get_by_role("button", name="Complete a reading"))

    def take_a_new_one(self) -> "Phone":
        return self._press(self.page.get_by_role("button", name="Take a new phone"))

    @property
    def screen(self) -> Locator:
        return self.page.locator("#screen")

    @property
    def invitation(self) -> str | None:
        """The code that waits here, None if the phone shows none."""
        codes = self.screen.locator(".ticket .code").all_inner_texts()
        return codes[0] if codes else None

    @property
    def inviter(self) -> str | None:
        """Whom the phone names as the inviter of the person signed in."""
        lines = self.screen.get_by_label("Invited by").get_by_text("Invited by").all_inner_texts()
        return lines[0].removeprefix("Invited by ") if lines else None

    @property
    def attribution_status(self) -> str:
        return self.screen.get_by_label("Invited by").locator(".pill").inner_text()

    @property
    def notice(self) -> str:
        return self.page.get_by_role("status").inner_text()

    def balance(self, currency: str) -> int:
        return int(self.page.locator(f"#balance-{currency}").inner_text())

    def _press(self, button: Locator) -> "Phone":
        button.click()
        return self.quiet()
