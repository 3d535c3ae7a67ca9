"""The back office of programs, codes, captures and attributions.

What has happened is read-only here; what staff decide asks for a reason.
"""

from referrals.admin import attributions, captures, codes, decisions, programs

__all__ = ["attributions", "captures", "codes", "decisions", "programs"]
