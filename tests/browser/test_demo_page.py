"""How the demo page looks and behaves on a desk and on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Console
from tests.browser.phone import Elsewhere, Phone

SIZES = {"desk": (1280, 900), "tablet": (820, 1180), "phone": (390, 844), "small": (320, 640)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_and_nothing_complains(
    chromium: Browser, server: str, elsewhere: Elsewhere, tmp_path: Path, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    console = Console(page)
    nok, ploy = f"Nok {size} {scheme}", f"Ploy {size} {scheme}"
    phone = Phone(page, server, nok, ploy)
    phone.open_link(elsewhere.code_of(nok))
    page.screenshot(path=tmp_path / "visitor.png", full_page=True)
    phone.sign_in(ploy).claim().complete_reading()
    page.screenshot(path=tmp_path / "rewarded.png", full_page=True)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    broken = page.evaluate("[...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)")
    context.close()
    assert console.complaints == []
    assert overflow <= 0
    assert broken == []


def test_everything_to_press_has_a_name_and_is_large_enough_for_a_finger(
    chromium: Browser, server: str, elsewhere: Elsewhere
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    nok, ploy = "Nok finger", "Ploy finger"
    Phone(page, server, nok, ploy).open_link(elsewhere.code_of(nok)).sign_in(ploy)
    faults = page.evaluate(
        """() => [...document.querySelectorAll("main button, main a.button")]
            .filter((e) => e.checkVisibility())
            .filter((e) => !e.innerText.trim() || e.getBoundingClientRect().height < 32)
            .map((e) => e.outerHTML)"""
    )
    context.close()
    assert faults == []


def test_someone_new_has_a_name_that_nobody_had(phone_with_nobody: Phone) -> None:
    page = phone_with_nobody.open().page
    for _ in range(2):
        page.get_by_role("button", name="Sign in as someone new").click()
        phone_with_nobody.quiet()
    newcomers = page.evaluate("JSON.parse(localStorage.getItem('demo-people'))")
    assert len(set(newcomers)) == 2


@pytest.fixture
def phone_with_nobody(chromium: Browser, server: str) -> Phone:
    return Phone(chromium.new_context(reduced_motion="reduce").new_page(), server)
