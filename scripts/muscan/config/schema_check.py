"""Check a configuration against its schema, and return the part of it that can be checked further."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from muscan.config.problems import BLOCKS, Owner, Problem
from muscan.config.schema import complete, validator
from muscan.config.yaml_dialect import format_place, schema_problems


def problems_of_schema(config: dict) -> list[Problem]:
    """Return violations of the schema, in the order of the configuration, and numbers that are not finite."""
    errors = sorted(validator().iter_errors(config), key=lambda error: _position(error.absolute_path, config))
    found = [Problem(_owner(error.absolute_path), text) for error in errors for text in schema_problems(error)]
    infinite = dict(_infinite(config))
    found += [
        Problem(_owner(path), f"{format_place(path)}: needs a finite number, has {value}")
        for path, value in infinite.items()
    ]
    return found


def _position(path: Iterable[str | int], value: Any) -> list[int]:
    """Return a sort key for a path in a configuration; the validator returns errors in an arbitrary order."""
    position = []
    for part in path:
        if isinstance(value, dict) and part not in value:
            break  # behind a key that is null, which the validator leaves out of the path
        position.append(list(value).index(part) if isinstance(value, dict) else part)
        value = value[part]
    return position


def _owner(path: Iterable[str | int]) -> Owner:
    """Return the entry of a block to which a path belongs, or the block if the path is that of a block."""
    return tuple(path)[:2]


def _infinite(value: Any, path: tuple = ()) -> Iterator[tuple[tuple, float]]:
    """Yield the numbers that are not finite, with their paths; a schema cannot exclude them."""
    if isinstance(value, (dict, list)):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(each, (*path, key))
    elif isinstance(value, (int, float)) and not abs(value) <= sys.float_info.max:
        yield path, value


def valid_part(config: dict, broken: set[Owner]) -> dict | None:
    """Return the valid part of a configuration, complete with all defaults.

    Args:
        config: the configuration.
        broken: the entries with problems.

    Returns:
        The configuration, in which entries with problems are None, and settings of `scan` with problems have their
        defaults; or None if a block is not valid at all or there are no data sets.
    """
    if not isinstance(config, dict):
        return None
    blocks = {"models": {}, "scan": {}, "grids": {}, "datasets": None, "analyses": None} | config
    if not all(isinstance(blocks[name], dict) for name in BLOCKS) or not blocks["datasets"]:
        return None
    valid = {
        block: {
            name: None if (block, name) in broken or not isinstance(name, str) else entry
            for name, entry in blocks[block].items()
        }
        for block in BLOCKS
    }
    return complete(valid | {"scan": {name: entry for name, entry in valid["scan"].items() if entry is not None}})
