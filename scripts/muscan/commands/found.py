"""A first configuration as a file suggests it: its blocks, its comments, and what to tell the user."""

from collections.abc import Iterable
from typing import NamedTuple

from muscan.base.words import join_items
from muscan.commands.commented_yaml import END, said
from muscan.config.mu_values import AUTO
from muscan.config.schema import at


class Found(NamedTuple):
    """A configuration, its comments, and what to tell the user."""

    config: dict
    comments: dict[tuple, list[str]]  # lines before an entry, by its path; see commented_yaml
    summary: list[str]


def in_words(names: Iterable[str], most: int = 8) -> str:
    """Return names one after the other, for a comment."""
    return join_items([said(name) for name in names], most)


def counted(number: int, what: str) -> str:
    """Return a number and what is counted, such as "3 bins"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def first_scan() -> dict:
    """Return the block `scan` with the settings that users change most."""
    return {"mu": AUTO, "confidence_level": at("scan.confidence_level")["default"]}


def about_scan() -> dict[tuple, list[str]]:
    """Return comments of the block `scan`: other values of mu, and toys."""
    return {
        ("scan", "mu"): [
            "The tested values follow from the limits of each signal. Or values of your own:",
            "mu: {start: 0, stop: 5, number: 21}",
        ],
        ("scan", END): [
            "Where few events make asymptotic formulae wrong: toys, until limits are known to 5 %.",
            "calculators: [asymptotics, toybased]",
            "toys: {target: 0.05}",
        ],
    }
