"""Requests that the framework would misread, or answer by itself, get problems all the same."""

import json
from typing import Any

import pytest
from django.test import Client, override_settings

from tests.people import Browser, Person
from tests.problems import refused

VALIDATE = "/api/v1/referrals/validate"


def post(body: str, *, path: str = VALIDATE, **extra: Any) -> Any:
    client = Client(raise_request_exception=False)
    return client.generic("POST", path, data=body, content_type="application/json", **extra)


def test_a_body_over_the_limit_is_too_large() -> None:
    refused(post(json.dumps({"code": "x" * 3_000_000})), 413, "too_large")


@pytest.mark.django_db
def test_a_chunked_body_is_refused_for_nobody_would_read_it(ploy: Person, noks_code: str) -> None:
    claim = (
        Browser()
        .sign_in(ploy)
        .post("referrals/claim", {"code": noks_code}, **{"Transfer-Encoding": "chunked"})
    )

    refused(claim, 411, "length_required")
    assert claim["X-Browser-Session"]  # refused like any other, after the browser was met


@pytest.mark.django_db
def test_a_text_that_spells_an_escaped_nul_is_a_text() -> None:
    refused(post(json.dumps({"code": r"\u0000"})), 404, "code_not_found")
    refused(post(json.dumps({"code": "\\\x00"})), 400, "malformed")


@pytest.mark.parametrize("redirects", [True, False])
def test_a_foreign_host_is_told_in_json_over_plain_http_too(redirects: bool) -> None:
    with override_settings(SECURE_SSL_REDIRECT=redirects):
        response = Client().get("/api/v1/me", headers={"Host": "evil.example"})

    refused(response, 400, "bad_request")


def test_a_problem_in_place_of_a_page_has_its_own_title_and_length() -> None:
    response = Client().get("/api/nothing")

    assert refused(response, 404, "not_found")["title"] == "There is nothing here"
    assert response.get("Content-Length", str(len(response.content))) == str(len(response.content))
