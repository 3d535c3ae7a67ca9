"""Staff make a new version of the terms in a real Chromium, and people are told the new amounts."""

import httpx
from playwright.sync_api import Page, expect

from tests.browser.staff import Album, BackOffice


def test_staff_make_terms_having_seen_what_they_change(
    back_office: BackOffice, page: Page, album: Album
) -> None:
    rewards = f"{back_office.base_url}/api/v1/referrals/rewards"
    before = httpx.get(rewards, trust_env=False).json()
    aree = back_office.hire(
        "aree_makes_terms",
        permissions=["add_programterms", "view_programterms", "view_program", "view_user"],
    )
    back_office.sign_in(page, aree)
    page.get_by_role("link", name="Programs").click()
    page.get_by_role("link", name="Invite a friend").click()
    faults = album.inspect(page, "program")

    page.get_by_role("link", name="New version of the terms").click()
    referrer = page.get_by_role("group", name="The referrer, who invited, gets")
    expect(referrer).to_contain_text(f"Version {before['terms_version']}: 0")
    # Changes that are in no other test's way: they share this back office.
    referrer.get_by_label("Experience").fill("5")
    page.get_by_label("Claim window").fill("60")
    page.get_by_role("button", name="Show what differs").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    faults += album.inspect(page, "terms-form")

    page.get_by_label("Reason").fill("Songkran campaign, agreed with finance.")
    page.get_by_role("button", name="Show what differs").click()
    expect(page.get_by_text("Referrer gets 0 → 5 experience.")).to_be_visible()
    faults += album.inspect(page, "terms-preview")

    page.get_by_role("button", name="What if these had been in force?").click()
    refused = page.get_by_role("row", name="the account was not new").get_by_role("cell")
    expect(refused.nth(0)).not_to_have_text("0")
    expect(refused.nth(1)).to_have_text("0")
    faults += album.inspect(page, "terms-what-if")
    assert httpx.get(rewards, trust_env=False).json() == before

    page.get_by_role("button", name="Back to the preview").click()
    page.get_by_role("button", name="Confirm: make version").click()
    expect(page.get_by_text("In force now")).to_be_visible()
    expect(page.get_by_text("Songkran campaign, agreed with finance.")).to_be_visible()
    faults += album.inspect(page, "terms")

    after = httpx.get(rewards, trust_env=False).json()
    assert after["terms_version"] == before["terms_version"] + 1
    assert after["referrer"]["exp"] == 5
    assert faults == [], "\n".join(faults)
