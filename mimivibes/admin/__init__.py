"""Pages of the back office that need every app: people, the dashboard, operations."""

from mimivibes.admin import maintenance, people

__all__ = ["maintenance", "people"]
