"""Several people on one browser: a code follows the person who opened it, and nobody else.

The orders are exhaustive, up to the names of the people and of the codes, which are symmetrical.
"""

from concurrent.futures import ThreadPoolExecutor

from tests.journeys.over_http import HttpBrowser, Site
from tests.orders import CLAIM, OUT, Expected, orders_of
from tests.people import Person, newcomer


class Walk:
    """One order of steps on one browser, compared with what is expected at each."""

    def __init__(self, site: Site, browser: HttpBrowser, people: dict[str, Person]) -> None:
        self.site = site
        self.browser = browser
        self.people = people
        self.expected = Expected()

    def take(self, steps: tuple[str, ...]) -> None:
        for n, step in enumerate(steps):
            assert self._take(step), f"{step} (step {n}) of {', '.join(steps)}"
        for name, person in self.people.items():
            assert self._end(name, person), f"{name}, after {', '.join(steps)}"

    def _take(self, step: str) -> bool:
        if step == OUT:
            self.expected.present = None
            self.browser.sign_out()
            return True
        if step == CLAIM:
            return self._claims()
        if step in self.people:
            self.expected.sign_in(step)
            return bool(self.browser.sign_in(self.people[step]).me())
        self.expected.open(step)
        return self.browser.open_link(step).status_code == 201

    def _claims(self) -> bool:
        answer = self.browser.claim()
        if self.expected.present is None:
            return answer.status_code == 401 and answer.json()["code"] == "token_missing"
        return _code_in(answer.json()["attribution"]) == self.expected.claim()

    def _end(self, name: str, person: Person) -> bool:
        """Let the person claim what is left to them, at home, where nobody else has been."""
        claimed = self.site.browser().sign_in(person).claim().json()["attribution"]
        paid = claimed is None or claimed["status"] == "pending"
        return _code_in(claimed) == self.expected.claim_at_home(name) and paid


def _code_in(attribution: dict[str, str] | None) -> str | None:
    return attribution["code"] if attribution else None


def _walk_all(site: Site, orders: list[tuple[str, ...]], names: list[str], **mode: bool) -> None:
    def take(numbered: tuple[int, tuple[str, ...]]) -> None:
        walk, order = numbered
        people = {name: newcomer(f"{name}{walk}") for name in names}
        Walk(site, site.browser(**mode), people).take(order)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, enumerate(orders)))


def test_two_people_and_two_codes_never_mix_in_any_order(
    site: Site, noks_link: str, somchais_link: str
) -> None:
    codes, names = [noks_link, somchais_link], ["Ploy", "Mali"]
    _walk_all(site, orders_of([*codes, *names, OUT, CLAIM], codes, names), names)


def test_three_people_never_mix_in_any_order_in_header_mode(site: Site, noks_link: str) -> None:
    names = ["Ploy", "Mali", "Fah"]
    orders = orders_of([noks_link, *names, OUT, CLAIM], names)
    _walk_all(site, orders, names, header_mode=True)


def test_a_code_opened_while_mali_is_signed_in_is_malis_though_ploy_opened_one_before(
    site: Site, noks_link: str, somchais_link: str, ploy: Person, mali: Person
) -> None:
    browser = site.browser()
    browser.open_link(somchais_link)
    browser.sign_in(ploy).me()
    browser.sign_in(mali)

    opened = browser.open_link(noks_link)

    assert opened.json()["scope"] == "user"
    assert browser.sign_out().get("referrals/captures/current").json() == {"capture": None}
    assert _code_in(browser.sign_in(ploy).claim().json()["attribution"]) == somchais_link
    assert _code_in(browser.sign_in(mali).claim().json()["attribution"]) == noks_link


def test_who_claims_without_any_request_before_it_gets_what_was_opened_at_the_browser(
    site: Site, noks_link: str, ploy: Person, mali: Person
) -> None:
    browser = site.browser()
    browser.open_link(noks_link)

    assert browser.sign_in(mali).claim().status_code == 201
    assert browser.sign_in(ploy).claim().json() == {"attribution": None}


def test_a_refused_request_and_a_404_adopt_too(
    site: Site, noks_link: str, ploy: Person, mali: Person
) -> None:
    browser = site.browser()
    browser.open_link(noks_link)

    assert browser.sign_in(ploy).get("no/such/path").status_code == 404

    assert browser.sign_in(mali).claim().json() == {"attribution": None}
    assert _code_in(site.browser().sign_in(ploy).claim().json()["attribution"]) == noks_link


def test_an_old_value_of_the_browser_session_opens_nothing_for_the_next_person(
    site: Site, noks_link: str, ploy: Person, mali: Person
) -> None:
    browser = site.browser(header_mode=True)
    browser.open_link(noks_link)
    stale = browser.browser_session
    browser.sign_in(ploy).me()

    browser.browser_session = stale

    assert browser.sign_in(mali).claim().json() == {"attribution": None}
    assert browser.browser_session != stale


def test_one_who_forgets_a_code_forgets_only_their_own(
    site: Site, noks_link: str, ploy: Person, mali: Person
) -> None:
    browser = site.browser()
    browser.sign_in(ploy).open_link(noks_link)
    browser.sign_in(mali).open_link(noks_link)

    assert browser.delete("referrals/captures/current").status_code == 204

    assert browser.claim().json() == {"attribution": None}
    assert browser.sign_in(ploy).claim().status_code == 201
