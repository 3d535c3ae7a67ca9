"""What runs regularly, and the runner that does it on any number of machines."""

from mimivibes.schedule.leases import schedule_lag

__all__ = ["schedule_lag"]
