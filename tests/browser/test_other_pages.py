"""The pages that no other journey passes: photographed, and examined for grave faults."""

import pytest
from playwright.sync_api import Page

from tests.browser.staff import Album, BackOffice

LISTS = (
    "accounts/user",
    "accounts/webhookreceipt",
    "referrals/attribution",
    "referrals/referralcode",
    "rewards/transaction",
)


def test_the_door_and_the_second_factor(back_office: BackOffice, page: Page, album: Album) -> None:
    page.goto(f"{back_office.base_url}/admin/login/")
    faults = album.inspect(page, "sign-in")

    back_office.sign_in(page, back_office.hire("aree_sets_up"))
    back_office.open(page, "second-factor/")
    faults += album.inspect(page, "second-factor")

    assert faults == [], "\n".join(faults)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_and_the_first_page_of_it(
    back_office: BackOffice, page: Page, album: Album, path: str
) -> None:
    name = path.replace("/", "-")
    back_office.sign_in(page, back_office.hire(f"aree_reads_{name}"[:40], groups=["operator"]))
    back_office.open(page, f"{path}/")
    # The search box above it is Django's own.
    faults = album.inspect(page, f"list-{name}", below="#result_list")

    page.locator("#result_list tbody").get_by_role("link").first.click()
    faults += album.inspect(page, f"page-{name}", below="#content")

    assert faults == [], "\n".join(faults)
