"""How a record becomes a line: JSON for machines, words for whoever develops.

They know nothing of Django's settings, for the app server's own process uses them too
(`deploy/granian-logging.json`).
"""

import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from mimivibes.logs.discretion import LONGEST_TEXT, discreet, discreet_value
from mimivibes.logs.requests import facts_of_request

# What every record has besides what its caller has given by `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Django hands the request over, which says more than a log may keep.
NEVER = frozenset({"request", "server_time", "color_message"})


class JsonLine(JsonFormatter):
    """One JSON object on one line: time, level, logger, message, the request's facts, `extra`."""

    def __init__(self) -> None:
        super().__init__(json_ensure_ascii=False)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **facts_of_request(),
            **_extra(record),
        }
        if error := _error(record):
            line["error"] = error
        return str(self.jsonify_log_record(line))


class PlainLine(logging.Formatter):
    """Words on a terminal: time, level, logger, message and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        facts = {**facts_of_request(), **_extra(record)}
        told = "".join(f" {name}={value}" for name, value in facts.items() if value is not None)
        line = f"{time} {record.levelname} {record.name} {_message(record)}{told}"
        error = _error(record)
        return f"{line}\n{error}" if error else line


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # a message and arguments that do not fit: both are worth it
        message = f"{record.msg} {record.args}"
    request = getattr(record, "request", None)
    if path := getattr(request, "path", ""):
        message = _without_path(message, path, getattr(request, "resolver_match", None))
    return discreet(message)


def _without_path(message: str, path: str, match: Any) -> str:
    """Say the route instead of the path, which may hold ids and codes."""
    return message.replace(path, f"/{match.route}") if match else message.replace(path, "[path]")


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: discreet_value(value, name)
        for name, value in vars(record).items()
        if name not in STANDARD and name not in NEVER
    }


def _error(record: logging.LogRecord) -> str:
    told = ""
    if record.exc_info and record.exc_info[0] is not None:
        told = "".join(traceback.format_exception(*record.exc_info))
    elif record.exc_text:
        told = record.exc_text
    if record.stack_info:
        told = f"{told}\n{record.stack_info}"
    if len(told) > LONGEST_TEXT:  # what went wrong stands at the end
        told = told[-LONGEST_TEXT:].partition("\n")[2]
    return discreet(told).strip()
