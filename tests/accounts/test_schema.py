"""The OpenAPI schema shows who signs in how."""

import pytest
from drf_spectacular.generators import SchemaGenerator


@pytest.mark.urls("tests.accounts.urls")
def test_people_sign_in_by_token_and_services_by_key() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)

    schemes = schema["components"]["securitySchemes"]
    assert schemes["clerkSession"]["scheme"] == "bearer"
    assert schemes["apiKey"]["name"] == "Authorization"
    paths = schema["paths"]
    assert paths["/api/v1/person"]["get"]["security"] == [{"clerkSession": []}]
    assert paths["/api/v1/service"]["post"]["security"] == [{"apiKey": []}]
    assert paths["/api/v1/public"]["get"]["security"] == [{"clerkSession": []}, {}]
    assert "security" not in paths["/api/v1/webhooks/clerk"]["post"]
