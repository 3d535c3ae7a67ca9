"""The OpenAPI schema says what the contract says."""

from typing import Any

import pytest
import yaml
from django.test import Client
from drf_spectacular.validation import validate_schema

CONTRACT = {
    ("post", "/api/v1/referrals/validate"): {"200"},
    ("post", "/api/v1/referrals/captures"): {"200", "201"},
    ("get", "/api/v1/referrals/captures/current"): {"200"},
    ("delete", "/api/v1/referrals/captures/current"): {"204"},
    ("get", "/api/v1/referrals/rewards"): {"200"},
    ("get", "/api/v1/me"): {"200"},
    ("post", "/api/v1/referrals/claim"): {"200", "201"},
    ("get", "/api/v1/referrals/status"): {"200"},
    ("get", "/api/v1/referrals/invited"): {"200"},
    ("put", "/api/v1/referrals/code"): {"200"},
    ("get", "/api/v1/rewards/transactions"): {"200"},
    ("get", "/api/v1/rewards/rates"): {"200"},
    ("post", "/api/v1/rewards/exchange"): {"201"},
    ("post", "/api/v1/events"): {"200", "201"},
    ("post", "/api/v1/events/batch"): {"200"},
    ("post", "/api/v1/rewards/spend"): {"201"},
    ("post", "/api/v1/rewards/grants"): {"201"},
    ("post", "/api/v1/rewards/transactions/{id}/reverse"): {"201"},
    ("post", "/api/v1/webhooks/clerk"): {"200"},
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    return dict(yaml.safe_load(response.content))


@pytest.mark.parametrize(("method", "path"), CONTRACT)
def test_every_call_of_the_contract_is_in_it(
    schema: dict[str, Any], method: str, path: str
) -> None:
    operation = schema["paths"][path][method]

    assert CONTRACT[method, path] <= set(operation["responses"])
    assert "application/problem+json" in operation["responses"]["default"]["content"]
    assert "Retry-After" in operation["responses"]["503"]["headers"]


def test_nothing_else_is_in_it(schema: dict[str, Any]) -> None:
    described = {
        (method, path)
        for path, operations in schema["paths"].items()
        for method in operations
        if path.startswith("/api/v1/")
    }
    assert described == set(CONTRACT)


def test_it_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate_schema(schema)


def test_its_ways_to_sign_in_are_described(schema: dict[str, Any]) -> None:
    assert schema["components"]["securitySchemes"]
    claim = schema["paths"]["/api/v1/referrals/claim"]["post"]
    event = schema["paths"]["/api/v1/events"]["post"]
    assert claim["security"]
    assert event["security"]
    assert claim["security"] != event["security"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/api/v1/rewards/exchange"),
        ("post", "/api/v1/rewards/spend"),
        ("post", "/api/v1/rewards/grants"),
        ("post", "/api/v1/rewards/transactions/{id}/reverse"),
    ],
)
def test_the_idempotency_key_is_a_required_header(
    schema: dict[str, Any], method: str, path: str
) -> None:
    parameters = schema["paths"][path][method].get("parameters", [])

    (key,) = [p for p in parameters if p["name"] == "Idempotency-Key"]
    assert (key["in"], key["required"]) == ("header", True)


def test_the_docs_are_served_by_ourselves() -> None:
    response = Client().get("/api/docs/")

    assert response.status_code == 200
    assert b"swagger" in response.content.lower()
