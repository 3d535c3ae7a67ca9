"""Somebody wrote: my friend signed up with my code and I got nothing. Aree finds out, and helps."""

from playwright.sync_api import Page, expect

from tests.browser.staff import Album, BackOffice


def test_a_complaint_is_understood_put_right_and_the_correction_undone(
    back_office: BackOffice, page: Page, album: Album
) -> None:
    back_office.sign_in(page, back_office.hire("aree_helps", groups=["operator"]))

    # As typed on a phone: a capital letter, a space too many.
    back_office.open(page, "accounts/user/")
    page.get_by_role("textbox", name="Search").fill("Tom demo ")
    page.get_by_role("button", name="Search").click()
    page.locator("#result_list tbody").get_by_role("link").first.click()
    summary = page.locator(".summary")
    expect(summary).to_contain_text("attributed to nobody")
    expect(summary).to_contain_text("the window is 7 days")
    faults = album.inspect(page, "person-refused")

    page.get_by_role("link", name="Attribute by hand").click()
    page.get_by_label("Referrer").fill("nok mimi")
    page.get_by_label("Reason").fill("She moved from a test account, as Nok can show.")
    page.get_by_role("button", name="Show what it will do").click()
    effect = page.get_by_role("region", name="What it will do")
    expect(effect.get_by_role("row", name="(user_demo_tom) their own Stars +1")).to_be_visible()
    faults += album.inspect(page, "attribute-by-hand-preview")
    page.get_by_role("button", name="Confirm").click()
    expect(summary).to_contain_text("attributed to Nok by aree_helps")
    faults += album.inspect(page, "person-attributed")

    page.get_by_role("link", name="Attribution", exact=True).first.click()
    story = page.get_by_role("region", name="The story")
    expect(story).to_contain_text("She moved from a test account")
    faults += album.inspect(page, "attribution")

    correct(page, "Reverse", "It was a second account after all.")
    faults += album.inspect(page, "reverse-preview")
    expect(effect.get_by_role("row", name="(user_demo_tom) their own Stars -1")).to_be_visible()
    page.get_by_role("button", name="Confirm: Reverse").click()
    expect(summary).to_contain_text("reversed")

    correct(page, "Restore", "Nok has shown that it was not.")
    expect(effect.get_by_role("row", name="(user_demo_tom) their own Stars +1")).to_be_visible()
    page.get_by_role("button", name="Confirm: Restore").click()

    for told in ("It was a second account after all.", "Nok has shown that it was not."):
        expect(story).to_contain_text(told)
    assert faults == [], "\n".join(faults)


def correct(page: Page, correction: str, reason: str) -> None:
    """Go to a correction's page and ask what it would do."""
    page.get_by_role("link", name=correction, exact=True).click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Show what it will do").click()
