"""Read request bodies: a JSON object that PostgreSQL can store, or a 400."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class StrictJSONParser(JSONParser):
    """Refuse what JSON allows and a PostgreSQL text or jsonb column does not.

    That is: a top level that is not an object, NUL characters, lone surrogates, infinite numbers,
    nesting deeper than Python follows.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        try:
            body = super().parse(stream, media_type, parser_context)
            text = json.dumps(body, ensure_ascii=False, allow_nan=False)
            text.encode(settings.DEFAULT_CHARSET)
        except (RecursionError, ValueError) as error:
            raise ParseError(_("The body is not valid JSON, or cannot be stored.")) from error
        if not isinstance(body, dict):
            raise ParseError(_("The body must be a JSON object."))
        # Past the escaped backslashes: the six characters "\\u0000" as a text are harmless.
        if "\\u0000" in text.replace("\\\\", ""):
            raise ParseError(_("The body must not contain NUL characters."))
        return body
