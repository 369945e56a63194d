"""Define command line options by the fields of dataclasses of settings."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, field, fields
from types import UnionType
from typing import Any, TypeVar, get_args

from muscan.base.words import shorten

Settings = TypeVar("Settings")

TRUTH = {"true": True, "false": False}


def option(text: str, choices: Sequence | None = None, keys: Sequence[str] = (), **more) -> Any:
    """Return a dataclass field that is also a command line option.

    Args:
        text: the help text of the option.
        choices: the values that it may have.
        keys: the keys that its value must have, if it is JSON.
        more: arguments of `dataclasses.field`, such as a default.
    """
    return field(metadata={"help": text, "choices": choices, "keys": keys}, **more)


def add_options(parse: argparse.ArgumentParser, *settings: type, required: bool = True) -> None:
    """Add an option to a parser for each field of the dataclasses; a field that several of them have is added once.

    A dict is given as JSON, a list as several values, and a bool as true or false (without a value: true). An option
    with a default, or whose type includes None, can be left out or be given without a value. A rule can thus write out
    every option.

    Args:
        parse: the parser.
        settings: the dataclasses, with fields made by `option`.
        required: whether options without a default must be given; if not, their default is None.
    """
    unique = {each.name: each for kind in settings for each in fields(kind) if each.metadata}
    known = {action.dest for action in parse._actions}
    for each in (each for name, each in unique.items() if name not in known):
        kind, many, optional = _kind(each)
        optional = optional or not required
        default = _default(each)
        if many:
            how = {"nargs": "*" if optional else "+"}
        elif optional:
            how = {"nargs": "?", "const": True if kind is _parse_bool else default}
        else:
            how = {}
        parse.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=_empty_as_default(kind, default) if optional and not many else kind,
            choices=each.metadata["choices"],
            default=default,
            required=not optional,
            help=each.metadata["help"],
            **how,
        )


def settings_of(args: argparse.Namespace, settings: type[Settings]) -> Settings:
    """Return settings of a type with the values of the parsed options."""
    known = vars(args)
    return settings(**{each.name: known[each.name] for each in fields(settings) if each.name in known})


def _kind(each: Field) -> tuple[Callable, bool, bool]:
    """Return the type of one value, whether several values may be given, and whether the option may be left out."""
    kind, optional = each.type, (each.default, each.default_factory) != (MISSING, MISSING)
    if isinstance(kind, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
        optional = True
    if many := getattr(kind, "__origin__", None) is list:
        (kind,) = get_args(kind)
    converters = {dict: _json_parser(each.metadata.get("keys", ())), bool: _parse_bool}
    return converters.get(kind, kind), many, optional or kind is bool


def _default(each: Field) -> Any:
    if each.default_factory is not MISSING:
        return each.default_factory()
    if each.default is not MISSING:
        return each.default
    return False if each.type is bool else None


def _empty_as_default(kind: Callable, default: Any) -> Callable:
    """Return a converter of option values that turns an empty value into the default."""

    def value(text: str) -> Any:
        return kind(text) if text else default

    value.__name__ = kind.__name__  # argparse puts this name in its messages
    return value


def positive_integer(text: str) -> int:
    """Convert the value of an option to a whole number above zero, for argparse.

    Raises:
        argparse.ArgumentTypeError: if it is not one.
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number above zero, has {shorten(text)!r}")
    return number


def _json_parser(keys: Sequence[str]) -> Callable[[str], dict]:
    """Return a converter of option values that are JSON objects with some keys."""

    def parse_json(text: str) -> dict:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise argparse.ArgumentTypeError(f"not JSON: {error}") from error
        if not isinstance(value, dict):
            raise argparse.ArgumentTypeError(f"needs a JSON object, has {shorten(text)}")
        missing = [repr(key) for key in keys if key not in value]
        if missing:
            raise argparse.ArgumentTypeError(f"the JSON lacks {', '.join(missing)}")
        return value

    return parse_json


def _parse_bool(text: str) -> bool:
    if text.lower() not in TRUTH:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return TRUTH[text.lower()]
