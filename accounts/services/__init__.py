"""The verbs of accounts: what views, commands, the admin and the other apps may do to people."""

from accounts.services.api_keys import (
    ApiKeyInvalid,
    KeyNameUnusable,
    ScopeUnknown,
    authenticate_api_key,
    create_api_key,
    revoke_api_key,
)
from accounts.services.imports import KnownPerson, import_people
from accounts.services.people import (
    AccountBanned,
    AccountDeleted,
    Erased,
    Unapplied,
    apply_clerk_profile,
    erase_user,
    identify,
    learn_account_age,
    provision_user,
)
from accounts.services.salts import forget_salts, salt_of, salts_of_the_past
from accounts.services.sync import SyncReport, sync_all_users, sync_missing_users
from accounts.services.webhooks import (
    Inbox,
    PayloadGone,
    WebhookWorkFailed,
    inbox_figures,
    process_due_webhooks,
    reason_told,
    receive_webhook,
    replay_webhook,
)

__all__ = [
    "AccountBanned",
    "AccountDeleted",
    "ApiKeyInvalid",
    "Erased",
    "Inbox",
    "KeyNameUnusable",
    "KnownPerson",
    "PayloadGone",
    "ScopeUnknown",
    "SyncReport",
    "Unapplied",
    "WebhookWorkFailed",
    "apply_clerk_profile",
    "authenticate_api_key",
    "create_api_key",
    "erase_user",
    "forget_salts",
    "identify",
    "import_people",
    "inbox_figures",
    "learn_account_age",
    "process_due_webhooks",
    "provision_user",
    "reason_told",
    "receive_webhook",
    "replay_webhook",
    "revoke_api_key",
    "salt_of",
    "salts_of_the_past",
    "sync_all_users",
    "sync_missing_users",
]
