"""The ledger for staff: everything to be read, nothing to be changed but rules and rates."""

from rewards.admin import grant_requests, ledger, proofs, rules

__all__ = ["grant_requests", "ledger", "proofs", "rules"]
