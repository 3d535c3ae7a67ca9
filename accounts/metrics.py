"""What becomes of Clerk's deliveries, as their sender is told."""

from prometheus_client import Counter

KNOWN_TYPES = frozenset({"user.created", "user.updated", "user.deleted"})
DELIVERIES = Counter(
    "mimivibes_webhook_deliveries",
    "Deliveries of Clerk's by what their sender was told; a refused one has no type.",
    ["type", "outcome"],
)


def count_delivery(type_: str, outcome: str) -> None:
    """Count a delivery; types that nothing here acts on are one."""
    DELIVERIES.labels(type_ if type_ in {*KNOWN_TYPES, ""} else "other", outcome).inc()
