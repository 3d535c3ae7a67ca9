"""Clerk at the border: tokens, webhooks and its API come in, typed values go on.

Nothing outside this package knows how Clerk names a claim or writes a time.
"""
