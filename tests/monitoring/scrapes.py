"""Read `/metrics` as Prometheus does."""

from typing import Any

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from mimivibes.metrics.page import database

TOKEN = "long enough"


class Prometheus:
    """Scrapes, each of them anew."""

    def __init__(self) -> None:
        self.client = Client(
            raise_request_exception=False, headers={"Authorization": f"Bearer {TOKEN}"}
        )

    def text(self) -> str:
        database.forget()
        response = self.client.get("/metrics")
        assert response.status_code == 200
        return response.content.decode()

    def scrape(self) -> dict[Any, float]:
        """Return the values by name; those with labels by name and values."""
        return {
            (sample.name, *(value for _label, value in sorted(sample.labels.items())))
            if sample.labels
            else sample.name: sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def labels(self) -> dict[str, set[str]]:
        """Return the names of every sample's labels."""
        found: dict[str, set[str]] = {}
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
        return found
