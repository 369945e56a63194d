"""Pieces of messages for users."""

import difflib
from collections.abc import Iterable
from math import inf


def did_you_mean(name, known: Iterable) -> str:
    """A hint at the known name that is most like a misspelt one; empty if none is."""
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def nearest(name, known: Iterable) -> str | None:
    """The known name that is most like a misspelt one; None if none is."""
    near = difflib.get_close_matches(str(name), [str(each) for each in known], n=1)
    return near[0] if near else None


def listed(names: list[str], most: int = 8, separator: str = ", ") -> str:
    """Names one after the other, the first few of many."""
    more = f"{separator}... ({len(names)} in all)" if len(names) > most else ""
    return separator.join(names[:most]) + more


def shortened(text: str, most: int = 100) -> str:
    """A text, or its beginning if it is long."""
    return text if len(text) <= most else f"{text[:most]}..."


def printable(text: str, but: str = "") -> str:
    """A text from a file without control characters, which a terminal would obey; each becomes a space.

    Args:
        but: characters that stay, such as line breaks.
    """
    return "".join(letter if letter.isprintable() or letter in but else " " for letter in text)


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (inf, 3600, "h")):
        if seconds < limit:
            number = seconds / unit
            return f"{number:.0f} {name}" if number >= 10 else f"{number:.2g} {name}"
    raise ValueError(seconds)
