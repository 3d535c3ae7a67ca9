"""Who may read answers, and what browsers may do with pages."""

import pytest
from django.test import Client

from tests.settings import APP_ORIGIN

pytestmark = pytest.mark.django_db


def preflight(origin: str, path: str = "/api/v1/referrals/claim") -> object:
    return Client().options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-browser-session",
        },
    )


def test_the_web_app_may_call_with_credentials() -> None:
    response = preflight(APP_ORIGIN)

    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == APP_ORIGIN
    assert response["Access-Control-Allow-Credentials"] == "true"
    allowed = response["Access-Control-Allow-Headers"].lower()
    for header in ("authorization", "content-type", "idempotency-key", "x-browser-session"):
        assert header in allowed


def test_the_web_app_may_read_what_it_needs() -> None:
    response = Client().get("/api/v1/referrals/rewards", headers={"Origin": APP_ORIGIN})

    exposed = response["Access-Control-Expose-Headers"].lower()
    for header in ("x-browser-session", "idempotency-replayed", "retry-after"):
        assert header in exposed
    assert "origin" in response["Vary"].lower()


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", "null", f"{APP_ORIGIN}.evil.com", "http://app.example.com"],
)
def test_other_sites_may_not(origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(origin)
    response = Client().get("/api/v1/referrals/rewards", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in response


def test_the_admin_is_not_for_other_origins() -> None:
    response = Client().get("/admin/login/", headers={"Origin": APP_ORIGIN})

    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("path", ["/api/v1/referrals/rewards", "/admin/login/", "/api/docs/"])
def test_pages_and_answers_are_guarded(path: str) -> None:
    response = Client().get(path, secure=True)

    assert response.status_code == 200
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"]
    assert "max-age=31536000" in response["Strict-Transport-Security"]
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    assert "unsafe-eval" not in policy


def test_the_admin_runs_no_inline_scripts() -> None:
    policy = Client().get("/admin/login/")["Content-Security-Policy"]

    assert "unsafe-inline" not in policy


def test_the_docs_load_nothing_from_elsewhere() -> None:
    page = Client().get("/api/docs/").content.decode()

    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "//cdn" not in page


def test_answers_of_the_api_are_not_cached() -> None:
    for path in ("referrals/rewards", "me", "nothing"):
        assert Client().get(f"/api/v1/{path}")["Cache-Control"] == "no-store"
