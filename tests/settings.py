"""Settings of the test run: production's, with local stand-ins for every secret.

`DATABASE_URL` chooses the server, the embedded one if it is unset.
"""

import os

# Whatever this checkout's own .env says is not for tests, nor for the servers that they start.
os.environ["ENV_FILE"] = os.devnull

from mimivibes import development, embedded_postgres
from mimivibes.environment import DATA_DIR, env

ISSUER = "https://clerk.test.invalid"
ISSUER_PRIVATE_KEY = development.issuer_private_key(DATA_DIR / "tests")
APP_ORIGIN = "https://app.example.com"
WEBHOOK_SECRET = development.webhook_secret(DATA_DIR / "tests")
OLD_WEBHOOK_SECRET = development.webhook_secret(DATA_DIR / "tests-old")

ours = ("CLERK_", "METRICS_", "SVIX_", "THROTTLE_", "SECRET_KEY", "REDIS_URL")
for name in [name for name in os.environ if name.startswith(ours)]:
    del os.environ[name]
os.environ.update(
    DEBUG="false",
    SECRET_KEY=development.secret_key(DATA_DIR / "tests"),
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    APP_URL=APP_ORIGIN,
    CORS_ALLOWED_ORIGINS=APP_ORIGIN,
    CLERK_ISSUER=ISSUER,
    CLERK_JWT_KEY=development.public_key(ISSUER_PRIVATE_KEY),
    CLERK_AUTHORIZED_PARTIES=APP_ORIGIN,
    CLERK_WEBHOOK_SECRET=f"{WEBHOOK_SECRET} {OLD_WEBHOOK_SECRET}",
    REDIS_URL="",
    DATABASE_DIRECT_URL="",
    PG_BIN="",
    TRUSTED_PROXIES="",
    TIME_ZONE="UTC",
)

from mimivibes.settings import *  # noqa: E402, F403

if not env("DATABASE_URL", default=""):
    DATABASES["default"].update(  # noqa: F405
        embedded_postgres.database(DATA_DIR / "tests" / "postgres", "mimivibes")
    )

# What a test commits need not outlive a crash of the machine; all else is as in production.
DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"  # noqa: F405
# A second way to the same rows, on which a write is an error; a test that wants it as the replica
# switches the router on.
DATABASES["replica"] = {  # noqa: F405
    **DATABASES["default"],  # noqa: F405
    "OPTIONS": {"options": "-c default_transaction_read_only=on"},
    "TEST": {"MIRROR": "default"},
}

SECURE_SSL_REDIRECT = False
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
# A fast hash for the staff accounts that tests make; production keeps Django's default.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
