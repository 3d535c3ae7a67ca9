"""Signing in to the back office: the throttle, the second factor, how long a session lasts."""
