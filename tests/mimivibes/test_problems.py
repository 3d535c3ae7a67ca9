"""Every error under `/api/` is problem+json, whoever made it."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client, override_settings

from mimivibes.problems import PROBLEMS
from referrals.models import Capture
from tests.people import Browser, Person
from tests.problems import refused

pytestmark = pytest.mark.django_db


def send(body: str | bytes, *, path: str = "referrals/captures", **options: Any) -> Any:
    return Client(raise_request_exception=False).generic(
        "POST",
        f"/api/v1/{path}",
        data=body,
        content_type=options.pop("content_type", "application/json"),
        **options,
    )


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/me",
        "/api/v1/me/",
        "/api/%00",
        "/api/v1/referrals/",
    ],
)
def test_an_unknown_path_is_a_problem(path: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        refused(Client().get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "me"),
        ("GET", "referrals/captures"),
        ("PATCH", "referrals/claim"),
        ("PUT", "events"),
        ("TRACE", "me"),
        ("BREW", "me"),
    ],
)
def test_a_wrong_method_is_a_problem_that_names_the_right_ones(
    method: str, path: str, ploy: Person
) -> None:
    response = Browser().sign_in(ploy).request(method, path)

    if path == "events":  # a person's token is refused before
        refused(response, 401, "api_key_missing")
        return
    refused(response, 405, "method_not_allowed")
    assert response["Allow"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""]
)
def test_another_media_type_is_a_problem(content_type: str) -> None:
    refused(send("code=ABCD", content_type=content_type), 415, "unsupported_media_type")


DEEP = "[" * 100_000
MALFORMED = [
    "",
    "{",
    "{'code': 'ABCD'}",
    '{"code": "ABCD",}',
    '{"code": NaN}',
    '{"code": Infinity}',
    '{"code": 1e999}',
    '{"code": "ABCD"} {}',
    '{"code": "AB\\u0000CD"}',
    '{"co\\u0000de": "ABCD"}',
    '{"code": "\\ud800"}',
    '{"code": "ABCD", "utm": {"source": "\\udfff"}}',
    f'{{"code": {DEEP}',
    f'{{"code": {"[" * 5000}{"]" * 5000}}}',
    f'{{"code": {"9" * 5000}}}',
    b"\xff\xfe{}",
    b'{"code": "\xed\xa0\x80"}',
    b"\x00",
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_body_that_cannot_be_read_is_a_problem(body: str | bytes) -> None:
    response = send(body)

    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] in {"malformed", "invalid"}
    assert not Capture.objects.exists()


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null", "true", '[{"code": "ABCD"}]'])
def test_a_body_that_is_no_object_is_a_problem(body: str) -> None:
    refused(send(body), 400, "malformed")


def test_a_huge_body_is_a_problem() -> None:
    refused(send(json.dumps({"code": "A" * 3_000_000})), 413, "too_large")


def test_a_huge_number_is_no_crash() -> None:
    response = send(json.dumps({"code": 10**4000}))

    refused(response, 400, "invalid")


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("host", ["evil.example.com", "a b", "testserver:99999x", ""])
def test_a_host_that_is_not_ours_is_a_problem(host: str, secure: bool) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True):
        response = Client().get("/api/v1/me", headers={"Host": host}, secure=secure)

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_is_a_problem_without_its_reason(ploy: Person, debug: bool) -> None:
    with (
        patch("mimivibes.me.balances_of", side_effect=RuntimeError("secret detail")),
        override_settings(DEBUG=debug),
    ):
        response = Browser().sign_in(ploy).get("me")

    refused(response, 500, "internal_error")
    assert b"secret" not in response.content
    assert b"RuntimeError" not in response.content


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_outside_the_views_is_a_problem_too(ploy: Person, debug: bool) -> None:
    with (
        patch("referrals.middleware.meet_browser", side_effect=RuntimeError("secret detail")),
        override_settings(DEBUG=debug),
    ):
        response = Browser().sign_in(ploy).get("me")

    refused(response, 500, "internal_error")
    assert b"secret" not in response.content


def test_another_accepted_type_is_answered_in_json_all_the_same(ploy: Person) -> None:
    response = Browser().sign_in(ploy).get("me", Accept="text/html")

    assert response["Content-Type"] in {"application/json", "application/problem+json"}


def test_a_problem_carries_the_cors_headers_that_let_the_web_app_read_it() -> None:
    response = Client().get("/api/v1/nothing", headers={"Origin": "https://app.example.com"})

    refused(response, 404, "not_found")
    assert response["Access-Control-Allow-Origin"] == "https://app.example.com"


@pytest.mark.parametrize("code", sorted({p.code for p in PROBLEMS.values()}))
def test_every_code_is_in_the_documentation(code: str) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "api.md"

    assert f"`{code}`" in page.read_text()
