"""Which scratch databases there are for the database of this test, of all that run at once."""

from django.db import connection

from mimivibes.maintenance.postgres.address import direct_address
from mimivibes.maintenance.postgres.scratch import scratch_of


def scratch_databases(purpose: str) -> list[str]:
    marker = scratch_of(direct_address(), purpose=purpose).marker
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [marker])
        return [name for (name,) in cursor.fetchall()]
