"""People, as Clerk knows them.

Invariants, held by the database:

- A person is one Clerk `sub` (`clerk_id`, unique); staff are a `username`. Every row has one of the
  two. E-mail is an attribute: not unique, never a key.
- A tombstone (`deleted_at`) holds no personal data, and keeps its `clerk_id` so that nothing
  resurrects it.
"""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone

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

    clerk_id = models.CharField("Clerk id", max_length=255, unique=True, null=True, blank=True)
    username = models.CharField(max_length=150, unique=True, null=True, blank=True)
    email = models.CharField("e-mail", max_length=320, blank=True, default="")
    email_verified = models.BooleanField(default=False)
    first_name = models.CharField(max_length=255, blank=True, default="")
    last_name = models.CharField(max_length=255, blank=True, default="")
    image_url = models.TextField(blank=True, default="")
    account_created_at = models.DateTimeField(
        null=True, blank=True, help_text="When Clerk made the account; empty while not known."
    )
    clerk_updated_at = models.DateTimeField(
        null=True, blank=True, help_text="Age of the newest profile that Clerk itself has sent."
    )
    banned_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField("first seen at", default=timezone.now)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(clerk_id__isnull=False) | Q(username__isnull=False),
                name="user_is_known_by_clerk_id_or_username",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True)
                | Q(email="", first_name="", last_name="", image_url="", email_verified=False),
                name="user_tombstone_holds_no_personal_data",
            ),
        ]
        indexes = [models.Index("email", name="user_email")]

    def __str__(self) -> str:
        return self.username or self.clerk_id or str(self.pk)

    @property
    def display_name(self) -> str:
        """A first name, or a neutral word; never an e-mail address, an id or a full name."""
        words = self.first_name.split()
        return words[0] if words and "@" not in words[0] else NEUTRAL_NAME

    @property
    def is_gone(self) -> bool:
        """Deleted or banned: may not sign in, has no valid code, is paid nothing."""
        return self.deleted_at is not None or self.banned_at is not None
