"""Pieces of messages for users."""

import difflib
from collections.abc import Iterable
from math import inf

WITHOUT_OBSERVED = "without observed counts there are only the expected limits of an analysis with `blind: true`"


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


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ, at least six."""
    pairs = ((f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in range(6, 18))
    return next((pair for pair in pairs if pair[0] != pair[1]), (f"{one:g}", f"{other:g}"))


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


def off_by(ratio: float) -> str:
    """How far a number is from the right one, from their ratio: "about 29 %", or "a factor of about 3.6"."""
    return f"about {100 * abs(ratio - 1):.2g} %" if ratio < 2 else f"a factor of about {ratio:.2g}"
