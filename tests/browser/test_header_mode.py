"""A web app on another site than the API: header mode, over CORS, against the real server."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.fake_api import MODULE, PAGE
from tests.browser.phone import Elsewhere
from tests.local_server import LocalServer, Reply, Request

serial = count(1)


class App:
    """The app in one tab; `token` is what its Clerk would give."""

    def __init__(self, page: Page, origin: str, api: str) -> None:
        self.page = page
        self.origin = origin
        self.options = f"{{mode: 'header', apiUrl: '{api}', retries: 1}}"

    def open(self, address: str = "/") -> "App":
        self.page.goto(f"{self.origin}{address}")
        self.page.wait_for_function("window.ready")
        self.run(f"void (window.r = create({self.options}))")
        self.run("r.start().then(() => null)")
        return self

    def sign_in(self, token: str | None) -> "App":
        self.page.evaluate("(token) => { window.token = token }", token)
        return self

    def run(self, expression: str) -> Any:
        return self.page.evaluate(expression)


class Website(LocalServer):
    """Serves the app's page; Chromium lets no page from nowhere call a server on this machine."""

    def reply(self, request: Request) -> Reply:
        is_module = request.path.endswith("/referrals.js")
        body = MODULE.read_bytes() if is_module else PAGE.encode()
        kind = "text/javascript" if is_module else "text/html"
        return Reply(body=body, headers={"Content-Type": kind})


@pytest.fixture(scope="package")
def app(app_origin: str) -> Iterator[str]:
    with Website(urlsplit(app_origin).port or 80) as website:
        yield website.url


@pytest.fixture
def tab(browser_context: BrowserContext, app: str, server: str) -> Callable[[], App]:
    return lambda: App(browser_context.new_page(), app, server)


@pytest.fixture
def names() -> tuple[str, str, str]:
    number = next(serial)
    return f"Nok h{number}", f"Ploy h{number}", f"Mali h{number}"


def test_a_code_opened_by_a_visitor_is_claimed_after_sign_in(
    tab: Callable[[], App], elsewhere: Elsewhere, names: tuple[str, str, str]
) -> None:
    nok, ploy, _ = names
    code = elsewhere.code_of(nok)
    app = tab().open(f"/?ref={code}&utm_source=line")
    assert app.page.url == f"{app.origin}/?utm_source=line"
    assert app.run("r.current()")["scope"] == "browser_session"
    app.sign_in(elsewhere.token(ploy))
    assert app.run("r.claim()")["attribution"]["referrer"] == {"display_name": "Nok"}
    assert app.run("r.me()")["balances"]["stars"] == 1


def test_a_reload_keeps_the_browser_session(
    tab: Callable[[], App], elsewhere: Elsewhere, names: tuple[str, str, str]
) -> None:
    code = elsewhere.code_of(names[0])
    app = tab().open(f"/?ref={code}").open("/")
    assert app.run("r.current()")["code"] == code


def test_the_next_person_finds_nothing(
    tab: Callable[[], App], elsewhere: Elsewhere, names: tuple[str, str, str]
) -> None:
    nok, ploy, mali = names
    app = tab().open(f"/?ref={elsewhere.code_of(nok)}")
    app.sign_in(elsewhere.token(ploy))
    app.run("r.me()")
    app.sign_in(None)
    assert app.run("r.current()") is None
    app.sign_in(elsewhere.token(mali))
    assert app.run("r.claim()") == {"attribution": None}
    app.sign_in(elsewhere.token(ploy))
    assert app.run("r.claim()")["attribution"]["status"] == "pending"


def test_two_tabs_that_open_different_links_at_once_keep_both(
    tab: Callable[[], App], elsewhere: Elsewhere, names: tuple[str, str, str]
) -> None:
    nok, ploy, mali = names
    codes = [elsewhere.code_of(nok), elsewhere.code_of(mali)]
    tabs = [tab().open(), tab().open()]
    for app, code in zip(tabs, codes, strict=True):
        app.run(f"history.replaceState(null, '', '/?ref={code}'); void r.start()")
    for app in tabs:
        app.run("r.stored.then(() => null)")
        app.sign_in(elsewhere.token(ploy))
    assert tabs[0].run("r.current()")["code"] in codes
    tabs[0].run("r.forget()")
    assert tabs[1].run("r.current()") is None


def test_a_token_that_has_expired_is_replaced(
    tab: Callable[[], App], elsewhere: Elsewhere, names: tuple[str, str, str]
) -> None:
    nok, ploy, _ = names
    app = tab().open(f"/?ref={elsewhere.code_of(nok)}")
    app.page.evaluate(
        "([expired, fresh]) => { window.r = create({"
        f"...{app.options}, getToken: async ({{skipCache}}) => skipCache ? fresh : expired"
        "}) }",
        [elsewhere.token(ploy, seconds=-120), elsewhere.token(ploy)],
    )
    assert app.run("r.claim()")["attribution"]["status"] == "pending"


def test_no_other_site_can_store_a_code(
    page: Page, server: str, elsewhere: Elsewhere, names: tuple[str, str, str]
) -> None:
    with Website() as stranger:
        app = App(page, stranger.url, server).open(f"/?ref={elsewhere.code_of(names[0])}")
        assert app.run("r.stored")["outcome"] == "failed"
    assert app.run("Object.keys(localStorage)") == []
