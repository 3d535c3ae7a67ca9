"""Staff sign in to the back office, in a real Chromium."""

from playwright.sync_api import Page, expect

from tests.browser.staff import Album, BackOffice


def test_staff_sign_in_and_see_the_back_office(
    back_office: BackOffice, page: Page, album: Album
) -> None:
    aree = back_office.hire("aree_signs_in", permissions=["view_attribution"])

    back_office.sign_in(page, aree)

    expect(page.get_by_role("link", name="Attributions")).to_be_visible()
    assert album.inspect(page, "index") == []
