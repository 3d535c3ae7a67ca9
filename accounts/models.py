"""People as Clerk knows them, the services that call us, and what Clerk's webhooks delivered.

Invariants, held by the database:

- A person is one Clerk `sub` (`clerk_id`, unique); staff are a `username`. Every row has one of the
  two, and none has both: whom Clerk knows is not staff, has no rights and no name to sign in here.
  E-mail is an attribute: not unique, never a key.
- A tombstone (`deleted_at`) holds no personal data, and keeps its `clerk_id` so that nothing
  resurrects it.
- An API key is stored as its SHA-256 alone, unique, with at least one scope, each a known one.
- A salt for hashes is one for each day, and random: once it is deleted nobody, whatever secrets
  they hold, can tell what a hash of that day was made of.
- A webhook delivery has one receipt, unique on `svix-id`; what is not finished has a time at which
  to try again, what is finished has the time at which it was.
"""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

NEUTRAL_NAME = "A friend"


class UserManager(BaseUserManager["User"]):
    """Make staff accounts; people come in by `accounts.services.provision_user` alone."""

    def create_user(self, username: str, password: str | None = None, **fields: object) -> "User":
        """Create a staff account that signs in to the admin by `username` and password."""
        user = self.model(username=username, **{"is_staff": True, **fields})
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, password: str | None = None, **fields: object
    ) -> "User":
        return self.create_user(username, password, **{"is_superuser": True, **fields})


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by Clerk, or a member of staff who signs in to the admin."""

    clerk_id = models.CharField(_("Clerk id"), max_length=255, unique=True, null=True, blank=True)
    username = models.CharField(_("username"), max_length=150, unique=True, null=True, blank=True)
    email = models.CharField(_("e-mail"), max_length=320, blank=True, default="")
    email_verified = models.BooleanField(_("email verified"), default=False)
    first_name = models.CharField(_("first name"), max_length=255, blank=True, default="")
    last_name = models.CharField(_("last name"), max_length=255, blank=True, default="")
    image_url = models.TextField(_("image url"), blank=True, default="")
    account_created_at = models.DateTimeField(
        _("account created at"),
        null=True,
        blank=True,
        help_text=_("When Clerk made the account; empty while not known."),
    )
    clerk_updated_at = models.DateTimeField(
        _("clerk updated at"),
        null=True,
        blank=True,
        help_text=_("Age of the newest profile that Clerk itself has sent."),
    )
    banned_at = models.DateTimeField(_("banned at"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)
    created_at = models.DateTimeField(_("first seen at"), default=timezone.now)
    is_staff = models.BooleanField(_("is staff"), default=False)
    is_active = models.BooleanField(_("is active"), default=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                condition=Q(clerk_id__isnull=False) | Q(username__isnull=False),
                name="user_is_known_by_clerk_id_or_username",
            ),
            models.CheckConstraint(
                condition=Q(clerk_id__isnull=True)
                | Q(username__isnull=True, is_staff=False, is_superuser=False),
                name="user_of_clerk_is_not_staff",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True)
                | Q(
                    email="",
                    email_verified=False,
                    first_name="",
                    last_name="",
                    image_url="",
                    account_created_at__isnull=True,
                    clerk_updated_at__isnull=True,
                ),
                name="user_tombstone_holds_no_personal_data",
            ),
        ]
        permissions = [("view_personal_data", "Can export e-mail addresses, names and the like")]
        # The admin searches by how a value begins, whatever its case.
        indexes = [
            models.Index(OpClass(Upper(field), "text_pattern_ops"), name=f"user_{field}_begins")
            for field in ("clerk_id", "email", "first_name", "last_name", "username")
        ] + [
            models.Index(
                fields=["id"],
                name="user_profile_missing",
                condition=Q(
                    clerk_id__isnull=False, clerk_updated_at__isnull=True, deleted_at__isnull=True
                ),
            ),
            models.Index(fields=["-created_at", "-id"], name="user_newest"),
            models.Index(
                fields=["-created_at", "-id"], name="user_staff", condition=Q(is_staff=True)
            ),
            models.Index(
                fields=["-created_at", "-id"],
                name="user_gone",
                condition=Q(deleted_at__isnull=False) | Q(banned_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.username or self.clerk_id or str(self.pk)

    @property
    def display_name(self) -> str:
        """A first name, or a neutral word; never an e-mail address, an id or a full name."""
        words = self.first_name.split()
        return words[0] if words and "@" not in words[0] else NEUTRAL_NAME

    @property
    def known_as(self) -> str:
        """Who somebody is, for staff: the first name, if known, and the Clerk id."""
        return f"{self.display_name} ({self})" if self.first_name else str(self)

    @property
    def is_gone(self) -> bool:
        """Deleted or banned: may not sign in, has no valid code, is paid nothing."""
        return self.deleted_at is not None or self.banned_at is not None


class Scope(models.TextChoices):
    """What a service may do."""

    EVENTS = "events", _("Post events")
    SPEND = "rewards:spend", _("Spend a user's credits")
    GRANT = "rewards:grant", _("Grant rewards and reverse transactions")


class ApiKey(models.Model):
    """What another back end proves itself by; the key itself is shown once and never stored."""

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(
        _("prefix"), max_length=20, help_text=_("How the key begins, to tell keys apart.")
    )
    key_hash = models.CharField(_("SHA-256 of the key"), max_length=64, unique=True, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=30, choices=Scope.choices), verbose_name=_("scopes")
    )
    created_at = models.DateTimeField(_("created at"))
    last_used_at = models.DateTimeField(
        _("last used at"),
        null=True,
        blank=True,
        help_text=_("Exact to the hour; empty if never used."),
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=Scope.values) & Q(scopes__len__gt=0),
                name="api_key_has_known_scopes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def caller(self) -> str:
        """Name the caller within idempotency keys."""
        return f"key:{self.pk}"


class WebhookReceiptQuerySet(models.QuerySet["WebhookReceipt"]):
    def unfinished(self) -> "WebhookReceiptQuerySet":
        return self.filter(processed_at__isnull=True)


class WebhookReceipt(models.Model):
    """One delivery of Clerk's, whatever became of it."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        FAILED = "failed", _("Failed")
        PROCESSED = "processed", _("Processed")
        IGNORED = "ignored", _("Ignored")

    svix_id = models.CharField(_("svix-id"), max_length=255, unique=True)
    type = models.CharField(_("type"), max_length=100, blank=True)
    clerk_id = models.CharField(
        _("Clerk id"), max_length=255, blank=True, help_text=_("Whom the delivery is about.")
    )
    payload = models.JSONField(
        _("payload"),
        null=True,
        blank=True,
        help_text=_("The event; empty once the person was erased."),
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.RECEIVED
    )
    reason = models.TextField(
        _("reason"), blank=True, help_text=_("Why it was ignored, or how it failed.")
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    received_at = models.DateTimeField(_("received at"))
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)

    objects: ClassVar[models.Manager["WebhookReceipt"]] = WebhookReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook receipt")
        verbose_name_plural = _("webhook receipts")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=("received", "failed"),
                    next_attempt_at__isnull=False,
                    processed_at__isnull=True,
                )
                | Q(
                    status__in=("processed", "ignored"),
                    next_attempt_at__isnull=True,
                    processed_at__isnull=False,
                ),
                name="webhook_receipt_is_finished_or_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="webhook_receipt_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["clerk_id"], name="webhook_receipt_clerk_id"),
            models.Index(fields=["-received_at", "-id"], name="webhook_receipt_recent"),
            models.Index(
                fields=["status", "-received_at", "-id"], name="webhook_receipt_by_status"
            ),
            models.Index(fields=["type", "-received_at", "-id"], name="webhook_receipt_by_type"),
            models.Index(
                fields=["received_at"],
                include=["status"],
                condition=Q(processed_at__isnull=True),
                name="webhook_receipt_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return self.svix_id


class ClerkSync(models.Model):
    """One walk through all of Clerk's users, and how far it has come."""

    started_at = models.DateTimeField()
    next_offset = models.PositiveBigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Clerk synchronisation")
        verbose_name_plural = _("Clerk synchronisations")
        constraints = [
            models.UniqueConstraint(
                fields=["finished_at"],
                condition=Q(finished_at__isnull=True),
                nulls_distinct=False,
                name="clerk_sync_one_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"Synchronisation of {self.started_at:%Y-%m-%d %H:%M}"


class HashSalt(models.Model):
    """What the network addresses of one day (UTC) are hashed with, until it is deleted."""

    day = models.DateField(primary_key=True)
    value = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("hash salt")
        verbose_name_plural = _("hash salts")

    def __str__(self) -> str:
        return self.day.isoformat()
