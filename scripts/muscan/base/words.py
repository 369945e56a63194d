"""Format parts of messages for users: lists of names, hints for misspelt names, numbers and durations."""

import difflib
from collections.abc import Iterable, Sequence
from math import inf

OBSERVED_HINT = "only a blind analysis (`blind: true`) needs no observed counts"


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Return a hint with the known name most similar to a misspelt one, or "" if none is similar."""
    closest = closest_name(name, known)
    return f"; did you mean {closest!r}?" if closest else ""


def closest_name(name: object, known: Iterable[object], similarity: float = 0.6) -> str | None:
    """Return the known name most similar to a misspelt one, or None if none is similar.

    Args:
        name: the misspelt name.
        known: the known names.
        similarity: the smallest similarity, from 0 (any name) to 1 (equal names); see `difflib.get_close_matches`.
    """
    matches = difflib.get_close_matches(str(name), [str(candidate) for candidate in known], n=1, cutoff=similarity)
    return matches[0] if matches else None


def join_items(items: Sequence[str], most: int = 8, separator: str = ", ") -> str:
    """Join texts; of a long list, only the first ones are written out, with the total number.

    Args:
        items: the texts.
        most: the largest number of texts that are written out.
        separator: the text between two of them.
    """
    rest = f"{separator}... ({len(items)} in all)" if len(items) > most else ""
    return separator.join(items[:most]) + rest


def shorten(text: str, most: int = 100) -> str:
    """Return a text, cut after `most` characters."""
    return text if len(text) <= most else f"{text[:most]}..."


def format_distinct(one: float, other: float) -> tuple[str, str]:
    """Format two numbers with as many digits as are needed to distinguish them, at least six."""
    pairs = ((f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in range(6, 18))
    return next((pair for pair in pairs if pair[0] != pair[1]), (f"{one:g}", f"{other:g}"))


def printable_text(text: str, keep: str = "") -> str:
    """Replace each control character of a text by a space; a terminal would interpret it.

    Args:
        text: the text.
        keep: characters that are not replaced, such as line breaks.
    """
    return "".join(letter if letter.isprintable() or letter in keep else " " for letter in text)


def format_duration(seconds: float) -> str:
    """Format a duration in seconds, minutes or hours, with two digits or as a whole number."""
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (inf, 3600, "h")):
        if seconds < limit:
            number = seconds / unit
            return f"{number:.0f} {name}" if number >= 10 else f"{number:.2g} {name}"
    raise ValueError(seconds)


def format_deviation(ratio: float) -> str:
    """Format the deviation of a value from its reference.

    Args:
        ratio: the value divided by its reference.

    Returns:
        "about 29 %" (of the reference) below a ratio of 2, otherwise "a factor of about 3.6".
    """
    return f"about {100 * abs(ratio - 1):.2g} %" if ratio < 2 else f"a factor of about {ratio:.2g}"


def format_size(size: float) -> str:
    """Return a number of bytes in words, such as "386 bytes" or "61.2 MB"."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} bytes"
