"""Options of commands: from the settings of a step, which are a dataclass, and back."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, field, fields
from types import UnionType
from typing import Any, TypeVar, get_args

Settings = TypeVar("Settings")


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

    A bool is a flag, a list takes several values, and a dict is JSON. What may be None may be left out.

    Args:
        required: whether options without a default must be given.
    """
    unique = {each.name: each for kind in settings for each in fields(kind) if each.metadata}
    known = {action.dest for action in parse._actions}
    for each in (each for name, each in unique.items() if name not in known):
        name, text, choices = f"--{each.name.replace('_', '-')}", each.metadata["help"], each.metadata["choices"]
        kind, many, optional = _kind(each)
        if kind is bool:
            parse.add_argument(name, action="store_true", help=text)
        else:
            parse.add_argument(
                name,
                type=kind,
                choices=choices,
                nargs="+" if many else None,
                required=required and not optional,
                help=text,
            )


def settings_of(args: argparse.Namespace, settings: type[Settings]) -> Settings:
    """The settings that a command line gives."""
    known = vars(args)
    return settings(**{each.name: known[each.name] for each in fields(settings) if each.name in known})


def as_options(values: dict) -> list[str]:
    """A command line: a value may be a list, True is a flag, and None and False give no option."""
    words = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif isinstance(value, list):
            words += [option, *map(str, value)]
        elif value is not None and value is not False:
            words += [f"{option}={value}"] if str(value).startswith("-") else [option, str(value)]
    return words


def _kind(each: Field) -> tuple[Callable, bool, bool]:
    """The type of one value, whether there may be several, and whether the option may be left out."""
    kind, optional = each.type, each.default is not MISSING
    if isinstance(kind, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
        optional = True
    if many := getattr(kind, "__origin__", None) is list:
        (kind,) = get_args(kind)
    return json.loads if kind is dict else kind, many, optional
