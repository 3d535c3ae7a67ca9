"""The verbs of accounts: what views, commands, the admin and the other apps may do to people."""

from accounts.services.api_keys import (
    ApiKeyInvalid,
    authenticate_api_key,
    create_api_key,
    revoke_api_key,
)
from accounts.services.people import (
    AccountBanned,
    AccountDeleted,
    apply_clerk_profile,
    erase_user,
    identify,
    provision_user,
)

__all__ = [
    "AccountBanned",
    "AccountDeleted",
    "ApiKeyInvalid",
    "apply_clerk_profile",
    "authenticate_api_key",
    "create_api_key",
    "erase_user",
    "identify",
    "provision_user",
    "revoke_api_key",
]
