"""OpenAPI: how people and services sign their requests."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

FOR_PEOPLE = "clerkSession"
FOR_SERVICES = "apiKey"


class RequestAuthenticationScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A view with a `required_scope` takes an API key, any other a session token."""

    target_class = "accounts.authentication.RequestAuthentication"
    name = [FOR_PEOPLE, FOR_SERVICES]

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[Any]]:
        is_for_services = getattr(auto_schema.view, "required_scope", None) is not None
        return {FOR_SERVICES if is_for_services else FOR_PEOPLE: []}

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The Clerk session token of the person who is signed in.",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Api-Key <key>`, made by `manage.py create_api_key`.",
            },
        ]
