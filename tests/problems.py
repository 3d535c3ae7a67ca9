"""Read problem details."""

from typing import Any


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem, and return it."""
    assert (response.status_code, response["Content-Type"]) == (
        status,
        "application/problem+json",
    ), response.content
    problem = dict(response.json())
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["title"]
    assert problem["detail"]
    assert problem["type"]
    return problem


def field_errors(response: Any) -> dict[str, str]:
    """Assert that input was refused, and return the error code of each field."""
    problem = refused(response, 400, "invalid")
    return {error["field"]: error["code"] for error in problem["errors"]}
