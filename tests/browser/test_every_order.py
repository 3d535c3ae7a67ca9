"""Several people on one real browser, in every order: `referrals.js`, Chromium's own cookie jar.

The orders are exhaustive, up to the names of the people, which are symmetrical. With two codes, and
with a third person and signing out too, `tests/journeys/test_shared_browser.py` walks them over
HTTP.
"""

from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.phone import Elsewhere
from tests.orders import CLAIM, OUT, Expected, orders_of

serial = count(1)

# One browser's visitors: each step as a web app takes it, with whoever's token Clerk would give.
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
  return told;
}
"""


class Walker:
    """Takes orders of steps, each in a browser whose cookies are gone."""

    def __init__(self, page: Page, elsewhere: Elsewhere) -> None:
        self.page = page
        self.elsewhere = elsewhere

    def take(self, order: tuple[str, ...], names: list[str]) -> None:
        number = next(serial)
        people = {name: f"{name}{number}" for name in names}
        tokens = {name: self.elsewhere.token(person) for name, person in people.items()}
        expected = Expected()

        told = self._in_a_new_browser({"steps": order, "tokens": tokens})

        assert told == list(filter(None, (_expects(expected, step, names) for step in order))), (
            order
        )
        for name, person in people.items():
            claimed = self.elsewhere.api(person, "POST", "referrals/claim", json={})["attribution"]
            assert (claimed and claimed["code"]) == expected.claim_at_home(name), (name, order)

    def _in_a_new_browser(self, walk: dict[str, Any]) -> list[str]:
        self.page.context.clear_cookies()
        return [told or "nobody" for told in self.page.evaluate(WALK, walk)]


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
    ("names", "more"), [(["Ploy", "Mali"], [OUT, CLAIM]), (["Ploy", "Mali", "Fah"], [CLAIM])]
)
def test_people_at_one_browser_never_mix_in_any_order(
    walker: Walker, code: str, names: list[str], more: list[str]
) -> None:
    for order in orders_of([code, *names, *more], names):
        walker.take(order, names)
