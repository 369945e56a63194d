"""Problems of a configuration, and the entries to which they belong."""

from typing import NamedTuple

BLOCKS = ("datasets", "models", "scan", "analyses", "grids")
ENTRIES = (
    "datasets",
    "models",
    "analyses",
    "grids",
)  # blocks in which an entry with a problem does not affect the others

Owner = tuple  # (block, name) of the entry that has a problem; shorter if all entries are affected


class ConfigError(Exception):
    """All problems of a configuration, one per line."""


class Problem(NamedTuple):
    """A problem: the entry to which it belongs, and a text with the key, what is wrong and what to do."""

    owner: Owner
    text: str


def format_problems(found: list[Problem]) -> str:
    """Return the texts of problems, each once, one per line."""
    return "\n".join(dict.fromkeys(problem.text for problem in found))
