"""Staff read the dashboard, in a real Chromium under the content security policy."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Console
from tests.browser.staff import Album, BackOffice

INK = """
canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = {};
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] === 255) colours[[data[i], data[i + 1], data[i + 2]]] = true;
  return Object.keys(colours);
}
"""
STEPS = ("opened", "adopted", "claimed", "qualified", "rewarded")


@pytest.fixture(scope="module")
def arees_cookies(back_office: BackOffice, chromium: Browser) -> Any:
    """What Aree's browser holds once she has signed in."""
    context = chromium.new_context()
    aree = back_office.hire("aree_reads_the_dashboard", is_superuser=True)
    back_office.sign_in(context.new_page(), aree)
    cookies = context.cookies()
    context.close()
    return cookies


@pytest.fixture
def dashboard(back_office: BackOffice, console: Console, page: Page, arees_cookies: Any) -> Page:
    """The dashboard, open before Aree's eyes; the console is listened to from the start."""
    page.context.add_cookies(arees_cookies)
    back_office.open(page, "")
    expect(page.get_by_role("heading", name="From invitation to reward")).to_be_visible()
    return page


def plotted(page: Page) -> list[Any]:
    """Return each line of the plot that is shown: its name and its points, as Chart.js has them."""
    page.wait_for_function("window.Chart && Chart.getChart('funnel-plot')")
    lines: list[Any] = page.evaluate(
        "() => { const chart = Chart.getChart('funnel-plot');"
        " return chart.data.datasets.filter((_, i) => chart.isDatasetVisible(i))"
        ".map(({ label, data }) => [label, data]); }"
    )
    return lines


def painted(page: Page) -> set[str]:
    """Return the colours that the plot's canvas really has, as `r,g,b`."""
    return set(page.locator("#funnel-plot").evaluate(INK))


def colour(page: Page, step: str) -> str:
    rgb = page.locator(f".step.{step} .sign").evaluate("sign => getComputedStyle(sign).color")
    return re.sub(r"[^\d,]", "", rgb)


def table(page: Page) -> list[list[str]]:
    """Return the table's days, first first, without the day's name."""
    rows = page.locator("#funnel-table tbody tr").all()
    return [row.locator("td").all_inner_texts() for row in reversed(rows)]


def test_the_plot_is_drawn_in_the_colours_of_the_theme(dashboard: Page, console: Console) -> None:
    assert console.complaints == []  # Chromium complains of how the test looks at pixels, too
    inks = []
    for theme in ("light", "dark"):
        dashboard.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        dashboard.wait_for_function("Chart.getChart('funnel-plot').attached")
        wanted = {colour(dashboard, step) for step in STEPS}
        assert len(wanted) == len(STEPS)
        assert wanted <= painted(dashboard)
        inks.append(wanted)
    assert inks[0].isdisjoint(inks[1])


def test_the_table_has_the_figures_of_the_plot(dashboard: Page) -> None:
    dashboard.get_by_text("The same as a table").click()
    days = table(dashboard)
    assert len(days) == 30
    lines = plotted(dashboard)
    assert [name for name, _ in lines] == [step.capitalize() for step in STEPS]
    assert [list(map(int, column)) for column in zip(*days, strict=True)] == [
        points for _, points in lines
    ]
    for step, (_, points) in zip(STEPS, lines, strict=True):
        expect(dashboard.locator(f".step.{step} .figure")).to_have_text(str(sum(points)))
        assert sum(points) > 5


def test_a_step_is_taken_from_the_plot_by_keyboard(dashboard: Page) -> None:
    step = dashboard.get_by_role("button", name="Qualified")
    assert colour(dashboard, "qualified") in painted(dashboard)
    step.focus()
    dashboard.keyboard.press("Space")
    expect(step).to_have_attribute("aria-pressed", "false")
    assert [name for name, _ in plotted(dashboard)] == ["Opened", "Adopted", "Claimed", "Rewarded"]
    assert colour(dashboard, "qualified") not in painted(dashboard)
    dashboard.keyboard.press("Space")
    assert len(plotted(dashboard)) == len(STEPS)


def test_the_figures_are_narrowed_by_period_and_code(dashboard: Page, console: Console) -> None:
    everything = dict(plotted(dashboard))
    dashboard.get_by_label("Period").select_option("Last 7 days")
    dashboard.get_by_label("Code").fill("nok mimi")
    dashboard.get_by_label("Code").press("Enter")
    dashboard.wait_for_url("**/admin/?days=7&program=&code=nok+mimi")
    noks = dict(plotted(dashboard))
    assert all(len(points) == 7 for points in noks.values())
    assert 0 < sum(noks["Claimed"]) < sum(everything["Claimed"][-7:])
    expect(dashboard.locator("#panel-top tbody tr")).to_have_count(1)

    dashboard.get_by_label("Code").fill("nosuch")
    dashboard.get_by_role("button", name="Show").click()
    expect(dashboard.get_by_role("alert")).to_have_text("Code: There is no such code.")
    expect(dashboard.locator("#funnel-plot")).to_have_count(0)
    dashboard.get_by_role("link", name="Show everything").click()
    dashboard.wait_for_url("**/admin/")
    assert dict(plotted(dashboard)) == everything
    assert console.complaints == []


def test_panels_lead_to_what_they_are_about(dashboard: Page) -> None:
    dashboard.get_by_role("link", name="Held queue").click()
    expect(dashboard.get_by_role("heading", level=1)).to_contain_text(
        re.compile("attribution|held", re.I)
    )
    dashboard.go_back()
    dashboard.locator("#panel-top a").first.click()
    dashboard.wait_for_url("**/admin/accounts/user/*/change/")


def test_everybody_can_use_it_on_every_screen(dashboard: Page, album: Album) -> None:
    dashboard.get_by_text("The same as a table").click()
    assert album.inspect(dashboard, "dashboard") == []
