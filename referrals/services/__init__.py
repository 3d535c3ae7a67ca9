"""The verbs of referrals, by subject."""
