"""A real Chromium, and pages whose console is watched."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.phone import Elsewhere
from tests.browser.staff import Album, BackOffice
from tests.programs import needed
from tests.server import (
    DEVELOPMENT,
    PRISTINE,
    copied_database,
    free_port,
    fresh_database,
    manage,
    running_server,
)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    program = needed("chromium")
    # Playwright keeps an event loop in this thread, which Django would take for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """One browser: what it stores lives as long as the test."""
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    return browser_context.new_page()


class Console:
    """What a page complained about: errors, uncaught exceptions, policy violations."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _message(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest.fixture
def console(page: Page) -> Console:
    return Console(page)


@pytest.fixture(scope="package")
def app_origin() -> str:
    """The origin of a web app on another site than the API, for header mode."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="package")
def new_database(
    worker_id: str, django_db_setup: None, request: pytest.FixtureRequest
) -> Callable[[str], str]:
    """Make a database for a server: by a copy, or by migrations, which take far longer."""
    pristine = request.config.stash.get(PRISTINE, None)

    def new(what_for: str) -> str:
        name = f"mimivibes_{what_for}_tests_{worker_id}"
        return copied_database(name, of=pristine) if pristine else fresh_database(name)

    return new


@pytest.fixture(scope="package")
def server(app_origin: str, new_database: Callable[[str], str]) -> Iterator[str]:
    """The project as a developer runs it, on a database of its own, empty at first."""
    env = {
        **DEVELOPMENT,
        "DATABASE_URL": new_database("browser"),
        "CORS_ALLOWED_ORIGINS": app_origin,
        "THROTTLE_PUBLIC": "100000/min",
        "VELOCITY_ADDRESS_PER_HOUR": "100000",
        "VELOCITY_REFERRER_PER_HOUR": "100000",
    }
    with running_server(env) as base_url:
        yield base_url


@pytest.fixture(scope="package")
def elsewhere(server: str) -> Elsewhere:
    return Elsewhere(server)


@pytest.fixture(scope="package")
def back_office(new_database: Callable[[str], str]) -> Iterator[BackOffice]:
    """The back office with the demo's people, away from what the other browser tests leave."""
    database = new_database("back_office")
    env = {**DEVELOPMENT, "DATABASE_URL": database, "THROTTLE_PUBLIC": "100000/min"}
    manage("load_demo", env=env)
    with running_server(env) as base_url:
        yield BackOffice(base_url, database)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    """Where this test's pictures go: the directory named by SCREENSHOTS, else a temporary one."""
    return Album(Path(os.environ.get("SCREENSHOTS") or tmp_path))
