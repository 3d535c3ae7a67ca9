"""`make bench`: hot calls, being watched, the admin and commands on large data, an import."""

import argparse
import os
import sys

import django

PARTS = ("calls", "watching", "lists", "commands", "cleanup", "import")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument("--rounds", type=int, default=5, help="of calls (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="about as long for each call (%(default)s)"
    )
    parser.add_argument("--every", action="store_true", help="show every page that was measured")
    asked = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
    django.setup()
    from tests.bench import importing, measure, watching  # need the apps loaded
    from tests.bench.big import measure as big
    from tests.bench.big import scrape
    from tests.bench.cleanup import measure as cleanup
    from tests.bench.commands import measure as commands
    from tests.bench.commands import person

    is_proved = True
    if asked.only in (None, "calls"):
        is_proved = measure.main(rounds=asked.rounds, seconds=asked.seconds)
    if asked.only in (None, "watching"):
        watching.main(rounds=asked.rounds, seconds=asked.seconds)
        scrape.main()
    if asked.only in (None, "lists"):
        big.main(every=asked.every)
    if asked.only in {None, "commands"}:
        is_proved &= commands.main()
        person.main()
    if asked.only in {None, "cleanup"}:
        is_proved &= cleanup.main()
    if asked.only in {None, "import"}:
        is_proved &= importing.main()
    sys.exit(0 if is_proved else 1)
