"""Staff in a real browser: who they are, how they sign in, and what their pages look like."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Page

PASSWORD = "a-password-for-browser-tests"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
# axe takes a while: each size once, each scheme once.
EXAMINED = {("desktop", "light"), ("phone", "dark")}
GRAVE = {"serious", "critical"}


@dataclass(frozen=True)
class BackOffice:
    """The back office on a server and a database of its own, with the demo's people in it."""

    base_url: str
    database_url: str

    def hire(
        self,
        username: str,
        *,
        groups: Iterable[str] = (),
        permissions: Iterable[str] = (),
        is_superuser: bool = False,
    ) -> str:
        """Make a staff account, with roles or single permissions (codenames); return its name."""
        with psycopg.connect(self.database_url) as connection:
            user = connection.execute(
                "INSERT INTO accounts_user (username, password, is_superuser, is_staff, is_active,"
                " first_name, last_name, email, email_verified, image_url, created_at)"
                " VALUES (%s, %s, %s, true, true, '', '', '', false, '', now()) RETURNING id",
                (username, _hashed(PASSWORD), is_superuser),
            ).fetchone()
            assert user is not None
            connection.execute(
                "INSERT INTO accounts_user_groups (user_id, group_id)"
                " SELECT %s, id FROM auth_group WHERE name = ANY(%s)",
                (user[0], list(groups)),
            )
            connection.execute(
                "INSERT INTO accounts_user_user_permissions (user_id, permission_id)"
                " SELECT %s, id FROM auth_permission WHERE codename = ANY(%s)",
                (user[0], list(permissions)),
            )
        return username

    def sign_in(self, page: Page, username: str) -> None:
        """Sign in by the admin's own form; ends on its index."""
        page.goto(f"{self.base_url}/admin/login/?next=/admin/")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{self.base_url}/admin/")

    def open(self, page: Page, path: str) -> None:
        """Open a page below `/admin/`."""
        response = page.goto(f"{self.base_url}/admin/{path}")
        assert response is not None
        assert response.ok, f"{response.url} answered {response.status}"


class Album:
    """Pictures of pages, to be looked at, and what a machine can see to be wrong with them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def inspect(self, page: Page, name: str, *, below: str = "") -> list[str]:
        """Photograph `page` at each size in each scheme; return its grave faults.

        Those are what axe calls serious or critical, and a page wider than its window. With `below`
        (a CSS selector) axe looks at that part alone. The page is as it was afterwards, but for its
        console: axe's own styles are against our content security policy.
        """
        before = page.viewport_size
        faults: list[str] = []
        for size, scheme in product(SIZES, SCHEMES):
            _turn_to(page, SIZES[size], scheme)
            page.screenshot(path=self.directory / f"{name}-{size}-{scheme}.png", full_page=True)
            if (size, scheme) in EXAMINED:
                faults += (
                    f"{name}, {size}, {scheme}: {fault}"
                    for fault in grave_faults(page, below=below)
                )
        page.emulate_media(color_scheme="null")
        if before:
            page.set_viewport_size(before)
        return faults


def _turn_to(page: Page, size: tuple[int, int], scheme: Any) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    # The admin lets colours change slowly: no picture of them half-way.
    page.evaluate("document.getAnimations().forEach((change) => change.finish())")


def grave_faults(page: Page, *, below: str = "") -> list[str]:
    """Return what keeps somebody from using the page as it stands, in words."""
    found = Axe().run(page, context=below or None).response["violations"]
    faults = [
        f"{fault['id']} at {', '.join(map(str, node['target']))}: {node['failureSummary']}"
        for fault in found
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*faults, f"{overflow} px wider than the window"] if overflow > 0 else faults


def _hashed(password: str) -> str:
    # By the hasher of production, which the server uses; tests.settings knows a faster one only.
    return PBKDF2PasswordHasher().encode(password, "salt", iterations=1)
