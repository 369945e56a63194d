"""Check a configuration against its schema, and find the part of it that can be checked further."""

import sys
from collections.abc import Iterable, Iterator

from muscan.config.problems import BLOCKS, Owner, Problem
from muscan.config.schema import complete, validator
from muscan.config.yaml_dialect import place, schema_problems


def problems_of_schema(config: dict) -> list[Problem]:
    """Return what does not obey the schema, in the order of the configuration, and numbers that are not finite."""
    errors = sorted(validator().iter_errors(config), key=lambda error: _position(error.absolute_path, config))
    found = [Problem(_owner(error.absolute_path), text) for error in errors for text in schema_problems(error)]
    infinite = dict(_infinite(config))
    found += [
        Problem(_owner(path), f"{place(path)}: needs a finite number, has {value}") for path, value in infinite.items()
    ]
    return found


def _position(path: Iterable[str | int], value) -> list[int]:
    """Return the order of a place in a configuration; a validator finds the entries of a block in any order."""
    position = []
    for part in path:
        if isinstance(value, dict) and part not in value:
            break  # behind a key that is nothing, which a validator leaves out of the path
        position.append(list(value).index(part) if isinstance(value, dict) else part)
        value = value[part]
    return position


def _owner(path: Iterable[str | int]) -> Owner:
    """Return the entry of a block to which a place belongs, or only the block."""
    return tuple(path)[:2]


def _infinite(value, path: tuple = ()) -> Iterator[tuple[tuple, float]]:
    """Yield the numbers that are not finite, with their places; a schema cannot exclude them."""
    if isinstance(value, (dict, list)):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(each, (*path, key))
    elif isinstance(value, (int, float)) and not abs(value) <= sys.float_info.max:
        yield path, value


def sound_part(config: dict, broken: set[Owner]) -> dict | None:
    """Return a complete configuration with None for each entry that has a problem, and without settings that have one.

    Returns:
        None if there is no such part, because a block is none or there are no data sets.
    """
    if not isinstance(config, dict):
        return None
    blocks = {"models": {}, "scan": {}, "grids": {}, "datasets": None, "analyses": None} | config
    if not all(isinstance(blocks[name], dict) for name in BLOCKS) or not blocks["datasets"]:
        return None
    sound = {
        block: {
            name: None if (block, name) in broken or not isinstance(name, str) else entry
            for name, entry in blocks[block].items()
        }
        for block in BLOCKS
    }
    return complete(sound | {"scan": {name: entry for name, entry in sound["scan"].items() if entry is not None}})
