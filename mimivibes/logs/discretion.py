"""What log lines, traces and reports of errors must not tell: one function for all of them.

It is a net below code that has no business to log such things: what can be known by its form is
caught. A code of letters alone cannot be told from a word, so no code is ever logged on purpose.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

HIDDEN = "[hidden]"
LOG_USER_LENGTH = 16
# Before anything is looked for: what somebody sends must not keep a process busy.
LONGEST_TEXT = 20_000
DEEPEST = 12

# PostgreSQL quotes a row's values there, line breaks and all; a blank line ends the message.
QUOTED_ROW = re.compile(r"^(DETAIL|CONTEXT):.*?(?=^$|\Z)", re.DOTALL | re.MULTILINE)
# And a piece of the statement, into which Django has put the values, with a caret below.
QUOTED_STATEMENT = re.compile(r"^LINE \d+:.*(\n *\^)?", re.MULTILINE)
# And a value that is not what its column holds.
QUOTED_VALUE = re.compile(r"((?:for (?:type|enum) [\w ]{1,80}:|\bvalue:?) )\"[^\"\n]*\"")
CLERK_ID = re.compile(r"(?<![A-Za-z0-9])user_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6,64}\b")
NAMED = re.compile(
    r"(?P<name>\b(?:authorization|cookie|set-cookie|x-browser-session|mimi_browser|__session"
    r"|csrftoken|[\w-]{0,30}(?:token|secret|password|passwd|api[_-]?key|signature|session_?id))"
    r"[\"']?\s*[:=]\s*)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|(?:bearer |api-key |basic )?[^\s,;&\"']+)",
    re.IGNORECASE,
)
NAMED_CODE = re.compile(
    r"(?P<name>\b(?:ref|code|kode)[\"']?\s*[:=]\s*[\"']?)(?P<code>[A-Za-z0-9-]{4,40})",
    re.IGNORECASE,
)
HIDES: tuple[tuple[re.Pattern[str], str], ...] = (
    (QUOTED_ROW, ""),
    (QUOTED_STATEMENT, ""),
    (QUOTED_VALUE, rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|api-key|basic)\s+[^\s,;\"']+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*){0,4}"), HIDDEN),
    (re.compile(r"\b(whsec|sk|mimi|testsk)_[\w+/=-]{8,}"), rf"\1_{HIDDEN}"),
    (re.compile(r"\bv1a?,[\w+/=-]{16,}"), f"v1,{HIDDEN}"),
    (re.compile(r"://[^\s/@\"']+@"), f"://{HIDDEN}@"),
    (re.compile(r"[^\s@\"'<>()\[\]{},;:=/]{1,64}@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?<=[\w/])\?[^\s\"'<>=&]{1,60}=[^\s\"'<>]*"), f"?{HIDDEN}"),
)
# Of our own alphabet, which has no vowels; or letters with a digit among them.
CODES = re.compile(
    r"(?<![\w.-])(?:[2-9B-DF-HJKMNP-TV-XZ]{9}|(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{6,20})"
    r"(?![\w/])"
)
SECRET_NAMES = re.compile(
    r"authorization|cookie|token|secret|password|api[_-]?key|signature|e[_-]?mail|browser.session"
    r"|forwarded|user.?agent|remote_addr",
    re.IGNORECASE,
)
CODE_NAMES = frozenset({"code", "ref", "referral_code"})


def discreet(text: str) -> str:
    """Return `text` without tokens, secrets, e-mail addresses, query strings and quoted rows.

    Codes are shortened, people are named as the logs name them.
    """
    text = text[:LONGEST_TEXT]
    for pattern, instead in HIDES:
        text = pattern.sub(instead, text)
    text = NAMED.sub(lambda found: found["name"] + HIDDEN, text)
    text = CLERK_ID.sub(lambda found: log_user(found[0]), text)
    text = NAMED_CODE.sub(lambda found: found["name"] + _shortened(found["code"]), text)
    return CODES.sub(lambda found: _shortened(found[0]), text)


def discreet_value(value: Any, name: str = "", depth: int = 0) -> Any:
    """Return a value of a log line or an event, whatever it is made of, as `discreet` would.

    A value whose `name` says that it is secret is hidden as a whole.
    """
    if SECRET_NAMES.search(name):
        return HIDDEN if value not in (None, "") else value
    if value is None or isinstance(value, (bool, int, float, datetime)):
        return value
    if depth >= DEEPEST:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            discreet(str(key)): discreet_value(each, str(key), depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [discreet_value(each, "", depth + 1) for each in value]
    text = str(value)
    return _shortened(text) if name in CODE_NAMES else discreet(text)


def log_user(clerk_id: str) -> str:
    """Return how the logs name a person: always the same, and of no use without our secret."""
    if not settings.configured:  # a process of the app server that runs none of our code
        return "[user]"
    digest = salted_hmac("mimivibes.logs.user", clerk_id, algorithm="sha256").hexdigest()
    return f"u-{digest[:LOG_USER_LENGTH]}"


def _shortened(code: str) -> str:
    return code if code.endswith("…") else f"{code[:2]}…"
