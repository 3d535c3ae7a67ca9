"""Send requests as people and services do."""

from typing import Any

from django.test import Client

from tests.clerk import event, signed, user_object


def call(
    path: str,
    *,
    token: str | None = None,
    key: str | None = None,
    method: str = "GET",
    **options: Any,
) -> Any:
    """Request `/api/v1/<path>` with a session token or an API key; return the response."""
    client = Client(raise_request_exception=False)
    headers = dict(options.pop("headers", {}))
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if key is not None:
        headers["Authorization"] = f"Api-Key {key}"
    client.cookies.load(options.pop("cookies", {}))
    return client.generic(method, f"/api/v1/{path}", headers=headers, **options)


def deliver(body: str | bytes, headers: dict[str, str]) -> Any:
    """Post a webhook; `tests.clerk.signed` makes its arguments."""
    return Client(raise_request_exception=False).post(
        "/api/v1/webhooks/clerk", data=body, content_type="application/json", headers=headers
    )


def deliver_user(kind: str, clerk_id: str, **fields: Any) -> Any:
    """Post a signed webhook about a user, e.g. `deliver_user("user.created", "user_ploy")`."""
    return deliver(*signed(event(kind, user_object(clerk_id, **fields))))


def assert_problem(response: Any, status: int, code: str) -> None:
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.json()["status"] == status
