"""Staff and their browsers, signed in to the admin."""

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff(*permissions: str, name: str = "aree") -> Client:
    """Return the browser of a member of staff who has these permissions, by their codenames."""
    user = User.objects.create_user(name, "secret")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return signed_in(user)
