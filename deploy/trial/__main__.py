"""`python -m deploy.trial`: see the package, and docs/scaling.md."""

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from deploy.trial.places import POSTGRESQL, Places
from deploy.trial.processes import Processes
from deploy.trial.report import Report
from deploy.trial.story import Pace, Trial

PROGRAMS = ("etcd", "patroni", "haproxy", "pgbouncer", "nginx", "redis-server")
PACKAGES = "patroni etcd-server haproxy pgbouncer nginx redis-server postgresql-15"


def main() -> int:
    """Run the trial; return 0 if everything was proved, 1 if not, 2 if it cannot run here."""
    asked = _arguments()
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing or not POSTGRESQL.is_dir():
        sys.stderr.write(
            f"Missing: {', '.join(missing) or POSTGRESQL}. On Debian 12:\n"
            f"  apt-get install --no-install-recommends {PACKAGES}\n"
        )
        return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    folder, report = asked.folder.resolve(), Report()
    processes = Processes(folder)
    if asked.stop:
        processes.stop_leftovers()
        return 0
    processes.prepare()
    places, synchronous = Places(folder, asked.first_port), not asked.asynchronous
    trial = Trial(places, processes, report, synchronous=synchronous)
    _try(trial, Pace(callers=asked.callers, seconds=asked.seconds), keep=asked.keep)
    report.finish(folder / "report.json")
    return 1 if report.faults else 0


def _try(trial: Trial, pace: Pace, *, keep: bool) -> None:
    """Run the trial; whatever happens, stop what was started, and report it."""
    processes, report = trial.processes, trial.report
    try:
        trial.run(pace)
    except KeyboardInterrupt:
        report.faults.append("It was interrupted.")
    except Exception as error:
        report.faults.append(f"{type(error).__name__}: {error}")
    finally:
        with report.step("Everything is stopped"):
            processes.stop()
            if not keep:
                processes.remove_data()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.trial",
        description="Try the arrangement for several machines on this one: a PostgreSQL cluster of"
        " three nodes, proxies, three groups of app processes; kill some of it under load; prove"
        " that nothing was lost or doubled. Example: python -m deploy.trial --callers 8",
    )
    folder = Path(tempfile.gettempdir()) / "mimivibes-trial"
    parser.add_argument("--folder", type=Path, default=folder, help="for all files (%(default)s)")
    parser.add_argument("--first-port", type=int, default=27400, help="of 90 (%(default)s)")
    parser.add_argument("--callers", type=int, default=8, help="of the load (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=15, help="of load in each phase (%(default)s)"
    )
    parser.add_argument(
        "--asynchronous",
        action="store_true",
        help="replicate without waiting: shows what is lost then, and that the proof sees it",
    )
    parser.add_argument("--keep", action="store_true", help="keep the databases' files")
    parser.add_argument(
        "--stop", action="store_true", help="only stop what a killed trial has left running"
    )
    return parser.parse_args()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
