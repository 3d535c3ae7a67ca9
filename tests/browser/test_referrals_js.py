"""The module `referrals.js` in a real browser, against an API whose every answer we choose."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request

from tests.browser.fake_api import (
    API,
    APP,
    CAPTURE,
    NO_CONNECTION,
    Answer,
    FakeApi,
    open_page,
    problem,
    token_of,
)

LINK = "/welcome?ref=nok-23456&utm_source=line&utm_campaign=songkran&page=2#top"
WITHOUT_CODE = f"{APP}/welcome?utm_source=line&utm_campaign=songkran&page=2#top"


@pytest.fixture
def api(browser_context: BrowserContext) -> FakeApi:
    return FakeApi(browser_context)


def run(page: Page, script: str) -> Any:
    """Run a script in which `r` is a new client, made once per page."""
    return page.evaluate(f"async () => {{ window.r ??= create(); {script} }}")


def test_start_stores_the_code_and_then_takes_it_out_of_the_address_bar(
    api: FakeApi, page: Page
) -> None:
    open_page(page, LINK)
    outcome = run(page, "return r.start()")
    assert outcome == {"outcome": "stored", "code": "nok-23456", "capture": CAPTURE}
    assert page.url == WITHOUT_CODE
    assert [request.post_data_json for request in api.calls("referrals/captures")] == [
        {
            "code": "nok-23456",
            "landing_url": f"{APP}/welcome",
            "utm": {"source": "line", "campaign": "songkran"},
        }
    ]


def test_start_does_nothing_without_a_code(api: FakeApi, page: Page) -> None:
    open_page(page, "/?ref=&utm_source=line")
    assert run(page, "return r.start()") == {"outcome": "none"}
    assert api.requests == []


def test_start_twice_is_one_request(api: FakeApi, page: Page) -> None:
    open_page(page, LINK)
    run(page, "return Promise.all([r.start(), r.start(), r.stored])")
    assert len(api.calls("referrals/captures")) == 1


def test_the_parameter_can_have_another_name(api: FakeApi, page: Page) -> None:
    open_page(page, "/?invite=NOK23456")
    page.evaluate("create({param: 'invite'}).start()")
    page.wait_for_url(f"{APP}/")
    assert len(api.calls("referrals/captures")) == 1


@pytest.mark.parametrize("refusal", [problem(404, "code_not_found"), problem(422, "own_code")])
def test_a_code_that_can_never_be_stored_is_dropped_and_reported(
    api: FakeApi, page: Page, refusal: Answer
) -> None:
    api.answer("referrals/captures", refusal)
    open_page(page, LINK)
    assert run(page, "return r.start()")["outcome"] == "refused"
    assert page.url == WITHOUT_CODE
    assert page.evaluate("errors") == [refusal.body["code"]]


@pytest.mark.parametrize(
    "failure",
    [
        problem(403, "origin_not_allowed"),
        problem(404, "not_found"),
        problem(400, "invalid"),
        problem(403, "account_banned"),
    ],
)
def test_any_other_refusal_ends_the_try_and_keeps_the_code(
    api: FakeApi, page: Page, failure: Answer
) -> None:
    api.answer("referrals/captures", failure)
    open_page(page, LINK)
    assert run(page, "return r.start()")["outcome"] == "failed"
    assert page.url == f"{APP}{LINK}"
    assert len(api.calls("referrals/captures")) == 1


@pytest.mark.parametrize("failure", [NO_CONNECTION, Answer(500), problem(503, "unavailable")])
def test_start_tries_again_and_keeps_the_code_until_then(
    api: FakeApi, page: Page, failure: Answer
) -> None:
    page.clock.install()
    api.answer("referrals/captures", failure, failure)
    open_page(page, LINK)
    run(page, "r.start()")
    wait_for_calls(page, api, "referrals/captures", 1)
    assert page.url == f"{APP}{LINK}"
    page.clock.run_for(1_000)
    wait_for_calls(page, api, "referrals/captures", 2)
    assert page.url == f"{APP}{LINK}"
    page.clock.run_for(2_000)
    assert run(page, "return r.stored")["outcome"] == "stored"
    assert page.url == WITHOUT_CODE


def test_start_waits_as_long_as_the_server_asks(api: FakeApi, page: Page) -> None:
    page.clock.install()
    api.answer("referrals/captures", problem(429, "throttled", **{"Retry-After": "40"}))
    open_page(page, LINK)
    run(page, "r.start()")
    wait_for_calls(page, api, "referrals/captures", 1)
    page.clock.run_for(39_000)
    page.wait_for_timeout(100)
    assert len(api.calls("referrals/captures")) == 1
    page.clock.run_for(2_000)
    assert run(page, "return r.stored")["outcome"] == "stored"


def test_start_gives_up_at_last_and_a_reload_tries_again(api: FakeApi, page: Page) -> None:
    api.answer("referrals/captures", NO_CONNECTION)
    open_page(page, LINK)
    outcome = page.evaluate("create({retries: 0}).start()")
    assert outcome["outcome"] == "failed"
    assert page.evaluate("errors") == ["network_error"]
    page.reload()
    page.wait_for_function("window.ready")
    assert run(page, "return r.start()")["outcome"] == "stored"


def test_a_returning_connection_ends_the_wait(
    api: FakeApi, page: Page, browser_context: BrowserContext
) -> None:
    open_page(page, LINK)
    page.clock.install()
    api.answer("referrals/captures", NO_CONNECTION)
    run(page, "r.start()")
    wait_for_calls(page, api, "referrals/captures", 1)
    page.wait_for_timeout(100)
    page.evaluate("dispatchEvent(new Event('online'))")
    assert run(page, "return r.stored")["outcome"] == "stored"


def test_a_page_that_the_app_has_left_keeps_its_address(api: FakeApi, page: Page) -> None:
    def while_the_app_navigates(request: Request) -> Answer:
        return Answer(201, CAPTURE)

    api.answer("referrals/captures", while_the_app_navigates)
    open_page(page, LINK)
    run(page, "const s = r.start(); history.pushState({a: 1}, '', '/next?ref=OTHER'); return s")
    assert page.url == f"{APP}/next?ref=OTHER"


def test_a_code_opened_by_one_person_is_not_stored_for_the_next(api: FakeApi, page: Page) -> None:
    page.clock.install()
    api.answer("referrals/captures", NO_CONNECTION)
    open_page(page, LINK)
    sign_in(page, "user_ploy")
    run(page, "r.start()")
    wait_for_calls(page, api, "referrals/captures", 1)
    page.wait_for_timeout(100)
    sign_in(page, "user_mali")
    page.clock.run_for(2_000)
    outcome = page.evaluate("r.stored.then(({outcome, error}) => [outcome, error.code])")
    assert outcome == ["failed", "person_changed"]
    assert len(api.calls("referrals/captures")) == 1


def test_a_token_that_cannot_be_read_is_not_taken_for_a_visitor(api: FakeApi, page: Page) -> None:
    open_page(page, LINK)
    outcome = page.evaluate(
        "create({retries: 0, getToken: () => { throw new Error('offline') }}).start()"
    )
    assert outcome["outcome"] == "failed"
    assert api.requests == []


def test_an_expired_token_is_replaced_once(api: FakeApi, page: Page) -> None:
    api.answer("referrals/claim", problem(401, "token_expired"))
    open_page(page)
    sign_in(page, "user_ploy")
    assert run(page, "return r.claim()")["attribution"]["status"] == "pending"
    assert page.evaluate("tokenRequests.map((o) => o.skipCache)") == [False, False, True]


def test_a_token_refused_twice_is_an_error(api: FakeApi, page: Page) -> None:
    api.answer("referrals/claim", problem(401, "token_expired"), problem(401, "token_expired"))
    open_page(page)
    sign_in(page, "user_ploy")
    assert run(page, "return codeOf(r.claim())") == "token_expired"
    assert len(api.calls("referrals/claim")) == 2


def test_claim_waits_for_the_code_that_is_being_stored(api: FakeApi, page: Page) -> None:
    open_page(page, LINK)
    sign_in(page, "user_ploy")
    run(page, "r.start(); return r.claim()")
    assert [request.url.rsplit("/", 1)[1] for request in api.requests] == ["captures", "claim"]


def test_claims_at_once_are_one_request(api: FakeApi, page: Page) -> None:
    open_page(page)
    sign_in(page, "user_ploy")
    run(page, "return Promise.all([r.claim(), r.claim(), r.claim()])")
    assert len(api.calls("referrals/claim")) == 1
    run(page, "return r.claim()")
    assert len(api.calls("referrals/claim")) == 2


def test_a_claim_does_not_join_another_persons(api: FakeApi, page: Page) -> None:
    page.clock.install()
    api.answer("referrals/claim", NO_CONNECTION)
    open_page(page)
    sign_in(page, "user_ploy")
    run(page, "window.first = codeOf(r.claim())")
    wait_for_calls(page, api, "referrals/claim", 1)
    page.wait_for_timeout(100)
    sign_in(page, "user_mali")
    assert run(page, "return r.claim()")["attribution"]["status"] == "pending"
    page.clock.run_for(2_000)
    assert page.evaluate("first") == "person_changed"
    senders = [request.headers["authorization"] for request in api.calls("referrals/claim")]
    assert senders == [f"Bearer {token_of(person)}" for person in ("user_ploy", "user_mali")]


def test_a_visitor_claims_nothing_and_asks_nobody(api: FakeApi, page: Page) -> None:
    open_page(page)
    assert run(page, "return r.claim()") == {"attribution": None}
    assert api.requests == []


def test_a_refused_claim_is_told_and_not_tried_again(api: FakeApi, page: Page) -> None:
    api.answer("referrals/claim", problem(422, "self_referral"))
    open_page(page)
    sign_in(page, "user_nok")
    assert run(page, "return codeOf(r.claim('NOK23456'))") == "self_referral"
    assert page.evaluate("errors") == ["self_referral"]
    assert api.calls("referrals/claim")[0].post_data_json == {"code": "NOK23456"}


def test_cookie_mode_stores_nothing_in_the_browser(api: FakeApi, page: Page) -> None:
    api.answer("referrals/captures", Answer(201, CAPTURE, {"X-Browser-Session": "first"}))
    open_page(page, LINK)
    sign_in(page, "user_ploy")
    run(page, "await r.start(); await r.claim()")
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]


def test_header_mode_sends_the_newest_value_that_the_server_gave(api: FakeApi, page: Page) -> None:
    api.answer("referrals/captures", Answer(201, CAPTURE, {"X-Browser-Session": "first"}))
    api.answer("me", Answer(200, {}, {"X-Browser-Session": "second"}), Answer(200, {}))
    open_page(page, LINK)
    header_mode = f"create({{mode: 'header', apiUrl: '{API}'}})"
    page.evaluate(f"window.r = {header_mode}")
    run(page, "await r.start(); await r.me(); await r.me()")
    page.reload()
    page.wait_for_function("window.ready")
    page.evaluate(f"{header_mode}.current()")
    assert [request.headers.get("x-browser-session") for request in api.requests] == [
        None,
        "first",
        "second",
        "second",
    ]
    assert page.evaluate("Object.entries(localStorage)") == [
        [f"mimi-browser-session:{API}", "second"]
    ]


def test_header_mode_is_shared_by_two_tabs_that_open_links_at_once(
    api: FakeApi, page: Page, browser_context: BrowserContext
) -> None:
    def issue(request: Request) -> Answer:
        known = request.headers.get("x-browser-session")
        return Answer(201, CAPTURE, {} if known else {"X-Browser-Session": "issued"})

    api.answer("referrals/captures", issue, issue)
    other = browser_context.new_page()
    for tab in (page, other):
        open_page(tab, LINK)
        tab.evaluate(f"() => {{ create({{mode: 'header', apiUrl: '{API}'}}).start() }}")
    for tab in (page, other):
        tab.wait_for_url(WITHOUT_CODE)
    sent = [request.headers.get("x-browser-session") for request in api.requests]
    assert sent == [None, "issued"]


def test_header_mode_works_where_the_storage_refuses(api: FakeApi, page: Page) -> None:
    api.answer("referrals/captures", Answer(201, CAPTURE, {"X-Browser-Session": "first"}))
    open_page(page, LINK)
    refusing = "{getItem() { throw Error('no') }, setItem() { throw Error('no') }}"
    page.evaluate(f"window.r = create({{mode: 'header', storage: {refusing}}})")
    run(page, "await r.start(); await r.current()")
    assert api.requests[1].headers["x-browser-session"] == "first"


def test_a_request_on_its_way_survives_leaving_the_page(api: FakeApi, page: Page) -> None:
    open_page(page, LINK)
    page.evaluate(
        """() => void create({ fetch: (...request) => {
            const answer = fetch(...request);
            location.href = "/sign-in";
            return answer;
        } }).start()"""
    )
    page.wait_for_url(f"{APP}/sign-in")
    wait_for_calls(page, api, "referrals/captures", 1)


def test_stored_lets_the_app_wait_before_it_leaves(api: FakeApi, page: Page) -> None:
    api.answer("referrals/captures", Answer(500))
    open_page(page, LINK)
    page.evaluate(
        """() => {
            const r = create();
            r.start();
            r.stored.then(() => { location.href = "/sign-in" });
        }"""
    )
    page.wait_for_url(f"{APP}/sign-in")
    assert len(api.calls("referrals/captures")) == 2


def test_forget_answers_nothing(api: FakeApi, page: Page) -> None:
    open_page(page)
    assert run(page, "return r.forget()") is None
    assert api.requests[0].method == "DELETE"


def sign_in(page: Page, person: str) -> None:
    page.evaluate("(token) => { window.token = token }", token_of(person))


def wait_for_calls(page: Page, api: FakeApi, path: str, count: int) -> None:
    for _ in range(100):
        if len(api.calls(path)) >= count:
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"{path} was called {len(api.calls(path))} times, not {count}")
