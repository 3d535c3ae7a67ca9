"""Several people on one real browser, in every order: `referrals.js`, Chromium's own cookie jar.

The orders are exhaustive, up to the names of the people, which are symmetrical. With two codes,
`tests/journeys/test_shared_browser.py` walks them over HTTP.
"""

from itertools import count

import pytest
from playwright.sync_api import Page

from tests.browser.phone import Elsewhere
from tests.orders import CLAIM, OUT, Expected, orders_of

serial = count(1)

# One browser's visitors: each step as a web app takes it, with whoever's token Clerk would give.
# Then everybody claims what is left to them as at home, without this browser's cookie.
WALK = """
async ({ steps, tokens }) => {
  const { createReferrals } = await import("/static/mimivibes/referrals.js");
  let token = null;
  const referrals = createReferrals({ getToken: async () => token });
  const codeOf = ({ attribution }) => attribution?.code ?? null;
  const told = [];
  for (const step of steps) {
    if (step === "sign out") {
      token = null;
    } else if (step === "claim") {
      told.push(codeOf(await referrals.claim()));
    } else if (tokens[step]) {
      token = tokens[step];
      await referrals.me();
    } else {
      history.replaceState(null, "", `?ref=${step}`);
      told.push((await referrals.start()).outcome);
    }
  }
  const athome = {};
  for (const [name, bearer] of Object.entries(tokens)) {
    const response = await fetch("/api/v1/referrals/claim", {
      method: "POST",
      credentials: "omit",
      headers: { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" },
      body: "{}",
    });
    athome[name] = codeOf(await response.json());
  }
  return { told, athome };
}
"""


class Walker:
    """Takes orders of steps, each in a browser whose cookies are gone."""

    def __init__(self, page: Page, elsewhere: Elsewhere) -> None:
        self.page = page
        self.elsewhere = elsewhere

    def take(self, order: tuple[str, ...], names: list[str]) -> None:
        number = next(serial)
        tokens = {name: self.elsewhere.token(f"{name}{number}") for name in names}
        expected = Expected()
        self.page.context.clear_cookies()

        found = self.page.evaluate(WALK, {"steps": order, "tokens": tokens})

        told = [outcome or "nobody" for outcome in found["told"]]
        due = [_expects(expected, step, names) for step in order]
        assert told == [outcome for outcome in due if outcome], order
        for name in names:
            assert found["athome"][name] == expected.claim_at_home(name), (name, order)


def _expects(expected: Expected, step: str, names: list[str]) -> str | None:
    """Take a step in the model; return what the page is to tell of it, if anything."""
    if step == OUT:
        expected.present = None
        return None
    if step in names:
        expected.sign_in(step)
        return None
    if step == CLAIM:
        return (expected.claim() if expected.present else None) or "nobody"
    expected.open(step)
    return "stored"


@pytest.fixture
def walker(page: Page, server: str, elsewhere: Elsewhere) -> Walker:
    page.goto(f"{server}/livez")
    return Walker(page, elsewhere)


@pytest.fixture
def code(elsewhere: Elsewhere) -> str:
    """The code of an inviter, who has a device of her own."""
    return elsewhere.code_of(f"NokOrders{next(serial)}")


@pytest.mark.parametrize(
    "names", [["Ploy", "Mali"], ["Ploy", "Mali", "Fah"]], ids=["two people", "three people"]
)
def test_people_at_one_browser_never_mix_in_any_order(
    walker: Walker, code: str, names: list[str]
) -> None:
    for order in orders_of([code, *names, OUT, CLAIM], names):
        walker.take(order, names)
