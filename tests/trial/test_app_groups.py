"""An app group of the trial serves by the script that serves in earnest, and is lost as a whole."""

from pathlib import Path

import httpx

from deploy.trial.app_groups import AppGroups
from deploy.trial.clerk import Clerk
from deploy.trial.places import Places
from deploy.trial.processes import Processes
from tests.server import free_port
from tests.waiting import until


def test_a_group_serves_is_lost_and_comes_back(tmp_path: Path) -> None:
    places = Places(tmp_path / "trial", first_port=free_port() - 71)
    processes = Processes(places.folder)
    processes.user = None  # as whoever runs the tests: the folder is theirs
    processes.prepare()
    groups = AppGroups(places, processes, Clerk())

    def answers() -> bool:
        try:
            return httpx.get(
                f"http://127.0.0.1:{places.group(1)}/livez", trust_env=False
            ).is_success
        except httpx.TransportError:
            return False

    try:
        for _ in range(2):
            groups.start_group(1)
            until(answers)
            groups.lose(1)
            assert not answers()
    finally:
        processes.stop()
