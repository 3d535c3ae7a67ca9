"""The table, and how to read it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Result:
    """What was measured of one operation: answers in a second, by round."""

    name: str
    statements: int
    here: list[float] = field(default_factory=list)
    django: list[float] = field(default_factory=list)
    drf: list[float] = field(default_factory=list)
    sql: list[float] = field(default_factory=list)

    @property
    def times(self) -> tuple[float, float, float, float]:
        """How many times as long a request takes as each floor, and as the last two together."""
        here, django, drf, sql = (
            1 / median(rates) for rates in (self.here, self.django, self.drf, self.sql)
        )
        return here / django, here / drf, here / sql, here / (drf + sql)


EXPLANATION = """
How to read it. Each figure says how many times as long a request takes as its floor took in the
same run on the same machine; medians over the rounds, which take turns. 1.0 would be the floor
itself. The client runs on the same cores, and commits do not wait for the disk, on either side.

  statements  SQL statements of one request, without BEGIN and COMMIT.
  x Django    against a Django view without middleware or database that answers the same request.
  x DRF       against a Django REST framework view that checks a session token, parses the body
              and answers, without middleware or database.
  x SQL       against pgbench, which sends the same statements from C, with as many clients.
  x both      against DRF and SQL together: what is left is our own Python and the ORM.
  per second  requests answered in a second, on this machine, today.
"""


def table(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| call | statements | x Django | x DRF | x SQL | x both | per second |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    for result in results:
        ratios = " | ".join(f"{ratio:.1f}" for ratio in result.times)
        rate = median(result.here)
        lines.append(f"| {result.name} | {result.statements} | {ratios} | {rate:,.0f} |")
    return "\n".join(lines)
