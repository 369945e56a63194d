"""Options of commands, from the settings of a step, which are a dataclass."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, field, fields
from types import UnionType
from typing import Any, TypeVar, get_args

Settings = TypeVar("Settings")

TRUTH = {"true": True, "false": False}


def option(text: str, choices: Sequence | None = None, **more) -> Any:
    """A field of a dataclass of settings that is an option of a command.

    Args:
        text: what `--help` says of it.
        choices: the values that it may have.
        more: of `dataclasses.field`, such as a default.
    """
    return field(metadata={"help": text, "choices": choices}, **more)


def add_options(parse: argparse.ArgumentParser, *settings: type, required: bool = True) -> None:
    """Add an option for each field of these dataclasses; one that several of them have is added once.

    A dict is JSON, a list takes several values, and a bool true or false; true if it is given without a value. What has
    a default or may be None can be left out or be given without a value: so a rule can name every option.

    Args:
        required: whether options without a default must be given; otherwise theirs is None.
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
            how = {"nargs": "?", "const": True if kind is _truth else default}
        else:
            how = {}
        parse.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=_or_else(kind, default) if optional and not many else kind,
            choices=each.metadata["choices"],
            default=default,
            required=not optional,
            help=each.metadata["help"],
            **how,
        )


def settings_of(args: argparse.Namespace, settings: type[Settings]) -> Settings:
    """Return the settings that a command line gives."""
    known = vars(args)
    return settings(**{each.name: known[each.name] for each in fields(settings) if each.name in known})


def _kind(each: Field) -> tuple[Callable, bool, bool]:
    """The type of one value, whether there may be several, and whether the option may be left out."""
    kind, optional = each.type, (each.default, each.default_factory) != (MISSING, MISSING)
    if isinstance(kind, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
        optional = True
    if many := getattr(kind, "__origin__", None) is list:
        (kind,) = get_args(kind)
    return {dict: json.loads, bool: _truth}.get(kind, kind), many, optional or kind is bool


def _default(each: Field) -> Any:
    if each.default_factory is not MISSING:
        return each.default_factory()
    if each.default is not MISSING:
        return each.default
    return False if each.type is bool else None


def _or_else(kind: Callable, default: Any) -> Callable:
    """The type of an option that may have an empty value."""

    def value(text: str) -> Any:
        return kind(text) if text else default

    value.__name__ = kind.__name__  # argparse names it in its messages
    return value


def _truth(text: str) -> bool:
    if text.lower() not in TRUTH:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return TRUTH[text.lower()]
