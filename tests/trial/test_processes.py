"""The trial stops what it started, what an earlier one left, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.trial.processes import Processes

SLEEPER = ["sh", "-c", "sleep 1000 & sleep 1000"]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path / "trial")
    started.user = None  # as whoever runs the tests: the folder is theirs
    started.prepare()
    yield started
    started.stop()


def _process(processes: Processes, name: str) -> psutil.Process:
    record = json.loads((processes.folder / "pids" / name).read_text())
    return psutil.Process(record["pid"])


def test_a_lost_machine_takes_everything_with_it(processes: Processes) -> None:
    processes.start("app", SLEEPER)
    master = _process(processes, "app")
    family = [master, *master.children(recursive=True)]

    processes.kill("app")

    assert not any(_runs(process) for process in family)


def test_what_a_killed_trial_left_is_stopped_by_the_next(processes: Processes) -> None:
    processes.start("app", SLEEPER)
    left = _process(processes, "app")

    following = Processes(processes.folder)
    following.user = None
    following.prepare()

    assert not _runs(left)


def test_a_process_that_only_has_the_same_id_is_left_alone(processes: Processes) -> None:
    processes.start("app", SLEEPER)
    stranger = _process(processes, "app")
    file = processes.folder / "pids" / "app"
    record = file.read_text()
    file.write_text(json.dumps({"pid": stranger.pid, "began": stranger.create_time() - 100}))

    processes.stop()

    assert _runs(stranger)
    file.write_text(record)


def test_a_folder_that_is_not_a_trials_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("Years of work")

    with pytest.raises(SystemExit, match="not a trial's folder"):
        Processes(tmp_path).prepare()

    assert (tmp_path / "thesis.txt").exists()


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
