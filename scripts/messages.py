"""Pieces of messages for users."""

import difflib
from collections.abc import Iterable


def did_you_mean(name, known: Iterable) -> str:
    """A hint at the known name that is most like a misspelt one; empty if none is."""
    near = difflib.get_close_matches(str(name), [str(each) for each in known], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(names: list[str], most: int = 8) -> str:
    """Names one after the other, the first few of many."""
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shortened(text: str, most: int = 100) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
