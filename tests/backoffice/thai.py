"""Read a page as somebody would who knows no English."""

from collections.abc import Iterator
from html.parser import HTMLParser

UNSEEN = {"script", "style", "code", "pre"}
SAID = {"aria-label", "title", "placeholder", "alt", "data-label"}
BUTTONS = {"submit", "button", "reset"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in UNSEEN
        values = dict(attrs)
        said = [values.get(name) for name in SAID]
        if tag == "input" and values.get("type") in BUTTONS:
            said.append(values.get("value"))
        self.texts += [text for text in said if text]

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in UNSEEN

    def handle_data(self, data: str) -> None:
        if not self._unseen and data.strip():
            self.texts.append(" ".join(data.split()))


def texts_of(html: str) -> Iterator[str]:
    """Yield what a page says: its text, and what its elements are called."""
    reader = _Reader()
    reader.feed(html)
    return iter(reader.texts)
