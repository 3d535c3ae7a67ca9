"""Start, kill and stop the trial's processes, and those that an earlier trial left.

Each has a file below `pids/` with its id and the time at which it began: a process that got the
same id later is somebody else's, and is left alone.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

SECONDS_TO_STOP = 15
SERVICE_USER = "postgres"
"""Who runs the services when the trial is started as root: PostgreSQL refuses to be root's."""


class Processes:
    """The processes of one trial, by name, in the order of their start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = SERVICE_USER if os.geteuid() == 0 else None
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}

    def prepare(self) -> None:
        """Stop what an earlier trial left, then make the folder anew, its owner the services'."""
        self.stop_leftovers()
        if self.folder.exists():
            if not (self.folder / "pids").is_dir():
                raise SystemExit(
                    f"{self.folder} is not a trial's folder: remove it, or name another."
                )
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, mode=0o755)
        for part in ("pids", "logs"):
            (self.folder / part).mkdir()
        self.give(self.folder, self.folder / "pids", self.folder / "logs")

    def give(self, *paths: Path) -> None:
        """Make the service user own these."""
        for path in paths if self.user else ():
            shutil.chown(path, self.user, pwd.getpwnam(str(self.user)).pw_gid)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        as_service: bool = True,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start a process in a session of its own, so that Ctrl-C is for the trial alone."""
        with (self.folder / "logs" / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd or self.folder,
                env={**self.environment, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self.user if as_service else None,
                group=self.user if as_service else None,
            )
        began = psutil.Process(process.pid).create_time()
        record = json.dumps({"pid": process.pid, "began": began})
        (self.folder / "pids" / name).write_text(record)

    def kill(self, *names: str) -> None:
        """SIGKILL these with all that they started, at one moment, as a lost machine would."""
        victims = self._families(*names)
        for victim in victims:
            _signal(victim, signal.SIGKILL)
        psutil.wait_procs(victims, SECONDS_TO_STOP)
        for name in names:
            (self.folder / "pids" / name).unlink(missing_ok=True)

    def processor_seconds(self, *names: str) -> float:
        """Return the processor time that these have used, with all that they started."""
        times = [process.cpu_times() for process in self._families(*names)]
        return float(sum(each.user + each.system for each in times))

    def stop(self) -> None:
        """Stop everything, the last started first; what does not stop is killed."""
        for path in self._pid_files():
            if process := self._find(path.name):
                _end(process)
            path.unlink(missing_ok=True)
        for postmaster in self._postmasters().values():
            _end(postmaster)

    def stop_leftovers(self) -> None:
        if self.folder.exists():
            self.stop()

    def remove_data(self) -> None:
        """Remove what takes place; the report, the journal and the logs stay."""
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in {"pids", "logs"}:
                shutil.rmtree(path)

    def _families(self, *names: str) -> list[psutil.Process]:
        """Return these with all that they started; a server goes by its data directory's name."""
        postmasters = self._postmasters()
        found = (p for name in names for p in (self._find(name), postmasters.get(name)))
        return [each for process in found if process for each in _family(process)]

    def _pid_files(self) -> list[Path]:
        files = (self.folder / "pids").glob("*")
        return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)

    def _find(self, name: str) -> psutil.Process | None:
        try:
            record = json.loads((self.folder / "pids" / name).read_text())
            process = psutil.Process(record["pid"])
            return process if abs(process.create_time() - record["began"]) < 1 else None
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None

    def _postmasters(self) -> dict[str, psutil.Process]:
        """Return the servers of our data directories; Patroni lets them outlive it."""
        found = {}
        for path in self.folder.glob("node*/postmaster.pid"):
            try:
                process = psutil.Process(int(path.read_text().split()[0]))
                if str(path.parent) in process.cmdline():
                    found[path.parent.name] = process
            except (OSError, ValueError, IndexError, psutil.Error):
                continue
        return found


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _end(process: psutil.Process) -> None:
    """Let it end, and what it started with it; kill what it leaves."""
    family = _family(process)
    _signal(process, signal.SIGTERM)
    psutil.wait_procs(family[:1], SECONDS_TO_STOP)
    for each in family:
        _signal(each, signal.SIGKILL)
    psutil.wait_procs(family, SECONDS_TO_STOP)


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
