"""Facts about people that other apps act on, each sent inside the transaction that makes it true.

Receivers get `user` and `now`; one that raises undoes the whole. Accounts knows none of them.
"""

from django.dispatch import Signal

user_provisioned = Signal()
"""A person was seen for the first time, and has a row."""

account_age_learned = Signal()
"""Clerk's creation time of the account, unknown so far, is now known."""

user_erased = Signal()
"""The person's data is gone and a tombstone stands. Receivers drop what their app holds of it, and
return how many rows they did what to."""
