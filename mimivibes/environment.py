"""Read the environment: `.env` beside `manage.py`, then the process's own variables on top."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def pem(value: str) -> str:
    """Return a PEM key whose line breaks may have been written as a literal backslash and n."""
    return value.replace("\\n", "\n").strip()


def words(value: str) -> list[str]:
    """Split a list written with commas or spaces."""
    return value.replace(",", " ").split()
