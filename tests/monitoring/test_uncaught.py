"""What nobody catches in a command is a line like the others, and tells nobody's data."""

import json
import subprocess
import sys

from tests.server import PRODUCTION, ROOT

CRASH = """
import sys, django
sys.argv = ["manage.py", "release_rewards"]
django.setup()
from mimivibes.logs.uncaught import log_uncaught
sys.excepthook = log_uncaught
raise ValueError("ploy@example.com has PLOY2026")
"""


def test_a_command_that_crashes_says_so_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASH],
        cwd=ROOT,
        env={**PRODUCTION},
        capture_output=True,
        text=True,
        check=False,
    )

    line = json.loads(done.stderr.splitlines()[-1])
    assert done.returncode == 1
    assert line["message"] == "release_rewards failed"
    assert line["error"].endswith("ValueError: [e-mail] has PL…")


def test_manage_py_uses_it() -> None:
    assert "sys.excepthook = log_uncaught" in (ROOT / "manage.py").read_text()
