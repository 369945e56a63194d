"""Parameters by their names in a configuration."""

import re
from collections.abc import Sequence

from muscan.base.errors import InputError
from muscan.base.words import did_you_mean
from muscan.config.measurements import POI
from muscan.histfactory.model import Model


def find_parameter(model: Model, name: str) -> int:
    """Return the index of a parameter; `mu` stands for the POI if no parameter has that name.

    Raises:
        InputError: if there is no such parameter, or if it has several entries.
    """
    if name in model.names:
        return model.names.index(name)
    if name == POI:
        return model.poi
    entries = matching(model.names, [name])
    if entries:
        first, last = model.names[entries[0]], model.names[entries[-1]]
        raise InputError(f"the parameter {name!r} has {len(entries)} entries: choose one from {first} to {last}")
    raise InputError(f"the model has no parameter {name!r}{did_you_mean(name, list(model.names))}")


def matching(names: Sequence[str], patterns: Sequence[str]) -> list[int]:
    """Return the indices of the names that match one of the patterns.

    Args:
        names: `name`, or `name[i]` for the entries of a parameter with several.
        patterns: in which `*` stands for any characters and `?` for one. Without an index it matches all entries.
    """
    forms = ["".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern) for pattern in patterns]
    pattern = re.compile("|".join(rf"(?:{form})(?:\[\d+\])?" for form in forms) or r"(?!)", re.DOTALL)
    return [index for index, name in enumerate(names) if pattern.fullmatch(name)]
