"""Problems of a configuration, and the entries of it to which they belong."""

from typing import NamedTuple

BLOCKS = ("datasets", "models", "scan", "analyses", "grids")
ENTRIES = ("datasets", "models", "analyses", "grids")  # blocks whose entries can be wrong one by one

Owner = tuple  # (block, name) of the entry that has a problem; shorter if all entries are concerned


class ConfigError(Exception):
    """All problems of a configuration, one per line."""


class Problem(NamedTuple):
    """Something that is wrong, with its key and what to do."""

    owner: Owner
    text: str


def lines(found: list[Problem]) -> str:
    """Return one line for each problem, once if several analyses have it."""
    return "\n".join(dict.fromkeys(problem.text for problem in found))
