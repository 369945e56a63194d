"""The draft of a configuration for a file: its blocks, its comments and a summary."""

from collections.abc import Iterable
from typing import NamedTuple

from muscan.base.words import join_items
from muscan.commands.commented_yaml import END, printable_name
from muscan.config.mu_values import AUTO
from muscan.config.schema import schema_at


class Draft(NamedTuple):
    """The draft of a configuration."""

    config: dict
    comments: dict[tuple, list[str]]  # lines in front of an entry, by its path; see `commented_yaml.to_yaml`
    summary: list[str]  # lines for the terminal: what was found in the file


def list_names(names: Iterable[str], most: int = 8) -> str:
    """Join names for a comment; of many names, only the first `most` are given."""
    return join_items([printable_name(name) for name in names], most)


def pluralize(number: int, noun: str) -> str:
    """Return a number with a noun, such as "3 bins"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def first_scan() -> dict:
    """Return the block `scan` of a draft, with the settings that users change most often."""
    return {"mu": AUTO, "confidence_level": schema_at("scan.confidence_level")["default"]}


def about_scan() -> dict[tuple, list[str]]:
    """Return comments on the block `scan`: other values of mu, toys, and more than limits."""
    return {
        ("scan", "mu"): [
            "The tested values are chosen from the limits of each signal. To choose them yourself:",
            "mu: {start: 0, stop: 5, number: 21}",
        ],
        ("scan", END): [
            "With few events the asymptotic formulae are inaccurate. To throw toys until limits are known to 5 %:",
            "calculators: [asymptotics, toybased]",
            "toys: {target: 0.05}",
            "Is there an excess, what is the interval of mu, and which uncertainty matters?",
            "discovery: true",
            "intervals: [0.68, 0.95]",
            "ranking: true",
        ],
    }
