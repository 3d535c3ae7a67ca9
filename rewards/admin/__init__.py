"""The ledger for staff: everything to be read, nothing to be changed but rules and rates."""

from rewards.admin import ledger, proofs, rules

__all__ = ["ledger", "proofs", "rules"]
