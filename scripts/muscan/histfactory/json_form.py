"""Checks of the form of a workspace's JSON: keys, types and numbers, with messages that name the place."""

import json
import math
from typing import Any

from muscan.base.errors import InputError
from muscan.base.words import did_you_mean, shorten

# All numbers of a workspace stay below this, so that squares and products of several are within the range of a float.
LARGEST_NUMBER = 1e50
# The keys that pyhf's schema allows in each kind of object.
KEYS = {
    "workspace": {"version", "channels", "observations", "measurements"},
    "observation": {"name", "data"},
    "channel": {"name", "samples"},
    "sample": {"name", "data", "modifiers"},
    "modifier": {"name", "type", "data"},
    "normsys": {"lo", "hi"},
    "histosys": {"lo_data", "hi_data"},
    "measurement": {"name", "config"},
    "config": {"poi", "parameters"},
    "parameter": {"name", "inits", "bounds", "auxdata", "sigmas", "factors", "fixed"},
}
TYPE_NAMES = {list: "a list", dict: "an object", str: "a string"}


def require_key(owner: Any, key: str, where: str, kind: str = "") -> Any:
    """Return the value of a key.

    Args:
        owner: the JSON object that must have the key.
        key: its name.
        where: the place of the object, for messages.
        kind: the kind of the object, a key of KEYS; the message then names all keys that the object lacks.

    Raises:
        InputError: if `owner` is not an object, or lacks the key.
    """
    if not isinstance(owner, dict):
        raise InputError(f"{where}: expected an object with {key!r}, found {json_excerpt(owner)}")
    if key not in owner:
        missing = [key, *sorted(KEYS.get(kind, set()) - owner.keys() - {key})]
        raise InputError(f"{where}: {', '.join(f'{name!r} is missing' for name in missing)}")
    return owner[key]


def require_type(owner: Any, key: str, expected: type, where: str, kind: str = "") -> Any:
    """Return the value of a key that must be a list, a dict or a str; see `require_key`.

    Raises:
        InputError: if the key is missing or its value has another type.
    """
    value = require_key(owner, key, where, kind)
    if not isinstance(value, expected):
        raise InputError(f"{where}: {key!r} must be {TYPE_NAMES[expected]}, found {json_excerpt(value)}")
    return value


def refuse_unknown_keys(owner: Any, kind: str, where: str) -> None:
    """Refuse keys that pyhf's schema does not allow: a misspelt key would be ignored.

    Args:
        owner: a JSON value; what is not an object is not looked at here.
        kind: a key of KEYS.
        where: its place, for messages.

    Raises:
        InputError: if there is an unknown key.
    """
    unknown = owner.keys() - KEYS[kind] if isinstance(owner, dict) else ()
    if unknown:
        name = min(unknown)
        raise InputError(f"{where}: unknown key {shorten(repr(name))}{did_you_mean(name, KEYS[kind] - owner.keys())}")


def require_numbers(values: Any, where: str, length: int | None = None) -> list[float]:
    """Return a list of finite numbers, of a given length if there is one.

    Raises:
        InputError: if it is not such a list.
    """
    if not isinstance(values, list):
        raise InputError(f"{where}: expected a list of numbers, found {json_excerpt(values)}")
    if not _clearly_numbers(values):
        for value in values:
            require_number(value, where)
    if length is not None and len(values) != length:
        raise InputError(f"{where}: {len(values)} numbers for {length} bins")
    return values


def _clearly_numbers(values: list) -> bool:
    """Whether a fast test finds valid numbers only; nearly all lists of a workspace pass it."""
    try:
        finite = set(map(type, values)) <= {int, float} and math.isfinite(sum(values))
        return finite and min(values, default=0) > -LARGEST_NUMBER and max(values, default=0) < LARGEST_NUMBER
    except OverflowError:
        return False


def require_number(value: Any, where: str) -> float:
    """Return a number that is finite and smaller in size than LARGEST_NUMBER.

    Raises:
        InputError: if it is not such a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where}: expected a number, found {json_excerpt(value)}")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # an integer beyond the range of a float
        finite = False
    if not finite:
        raise InputError(f"{where}: a number is not finite (NaN or Infinity)")
    if abs(value) >= LARGEST_NUMBER:
        raise InputError(f"{where}: {value:g} is too large; numbers must be below {LARGEST_NUMBER:g}")
    return value


def json_excerpt(value: Any) -> str:
    """Return a value as JSON, shortened to 60 characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
