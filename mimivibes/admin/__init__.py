"""Pages of the back office that need every app: people, and the dashboard."""

from mimivibes.admin import people

__all__ = ["people"]
