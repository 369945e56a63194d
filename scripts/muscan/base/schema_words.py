"""Translate errors of a JSON schema into messages for users: what is wrong, what was given, and what to do.

The terms in the messages depend on the kind of file (YAML or JSON), and are given by a `Dialect`.
"""

import reprlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from jsonschema import ValidationError

from muscan.base.words import closest_name, did_you_mean

RANGES = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
# The value of one of these keys selects between the alternatives of a schema.
KINDS = ("type", "op")


@dataclass(frozen=True)
class Dialect:
    """The terms in which messages about one kind of file are written.

    Attributes:
        types: names of the types of a schema, such as "a list" for `array`.
        value: describes a value.
        aside: format of a hint behind an unknown key, with {} for the hint.
        forms: descriptions of regular expressions that occur in the schema.
        properties: returns the keys of an object in a schema, with their schemas.
        advice: returns what the message adds for a wrong value: "", or a text that begins with "; ".
        advice_of_key: returns the same for an unknown key, from its name, its value and the schema of the object.
    """

    types: dict[str, str]
    value: Callable[[Any], str]
    aside: str
    forms: dict[str, str]
    properties: Callable[[dict], dict] = lambda schema: schema.get("properties", {})
    advice: Callable[[ValidationError], str] = lambda error: ""
    advice_of_key: Callable[[str, Any, dict], str] = lambda key, value, schema: ""


def format_path(path: Iterable[str | int]) -> str:
    """Format the path to a value in a document, such as `channels[0].name`; "" for the whole document."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def relevant_errors(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors that a message should describe.

    Where a value matches none of several alternatives, these are the errors of the alternative that the value selects
    (see `KINDS`), if there is exactly one; otherwise the error itself.
    """
    alternatives = [list(each) for _, each in groupby(error.context, key=lambda each: each.schema_path[0])]
    possible = [each for each in alternatives if not any(_selects_kind(one) for one in each)]
    if alternatives and len(_wanted_types(error)) == 1:
        yield alternatives[0][0]
    elif len(possible) == 1:
        for each in possible[0]:
            yield from relevant_errors(each)
    else:
        yield error


def describe_error(error: ValidationError, dialect: Dialect) -> Iterator[str]:
    """Yield descriptions of an error, one for each missing or unknown key. Descriptions may be repeated."""
    if "propertyNames" in error.absolute_schema_path:
        yield _describe_name(error, dialect)
    elif error.validator == "required":
        # If a required key is misspelt, the error about the unknown key says more.
        present = (*error.instance, *_unknown(error, dialect).values())
        yield from (f"the key {key!r} is missing" for key in error.validator_value if key not in present)
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_keys(error, dialect)
    else:
        yield _describe(error, dialect) + dialect.advice(error)


def _describe(error: ValidationError, dialect: Dialect) -> str:
    value, rule, kind = error.instance, error.validator_value, error.validator
    if kind in ("type", "pattern"):
        return f"needs {_requirement(error, dialect)}, has {dialect.value(value)}"
    if kind in ("enum", "const"):
        known = _texts(rule)
        one_of = "one of " if len(known) > 1 else ""
        return f"needs {one_of}{', '.join(known)}, has {dialect.value(value)}"
    if kind in ("minProperties", "maxProperties"):
        known = dialect.properties(error.schema)
        return f"needs {'exactly one of ' + ', '.join(known) if known else 'at least one entry'}"
    if kind in ("minItems", "maxItems"):
        most = "least" if kind == "minItems" else "most"
        return f"needs at {most} {rule} {'entry' if rule == 1 else 'entries'}, has {len(value)}"
    if kind == "uniqueItems":
        return f"{next(each for each in value if value.count(each) > 1)!r} occurs twice"
    if kind in RANGES:
        return f"must be {RANGES[kind]} {rule}, is {value}"
    if kind == "not" and "dependentSchemas" in error.absolute_schema_path:
        return f"{error.absolute_schema_path[-2]} and {rule['required'][0]} exclude each other; remove one"
    if kind in ("anyOf", "oneOf"):
        return _describe_alternatives(error, dialect)
    return f"{reprlib.repr(value)} violates the rule {kind} {reprlib.repr(rule)}"


def _requirement(error: ValidationError, dialect: Dialect) -> str:
    """Describe what the schema requires."""
    if "title" in error.schema:
        return error.schema["title"]
    if error.validator == "pattern":
        return dialect.forms.get(error.validator_value, f"the form {error.validator_value}")
    return " or ".join(dialect.types[each] for each in _texts(error.validator_value))


def _texts(rule: Any) -> list[str]:
    return [str(each) for each in (rule if isinstance(rule, list) else [rule])]


def _unknown(error: ValidationError, dialect: Dialect) -> dict[str, str | None]:
    """Unknown keys of an object that has no others than those of its schema, and the known ones that they are like."""
    closed = False in (error.schema.get("additionalProperties"), error.schema.get("unevaluatedProperties"))
    if not isinstance(error.instance, dict) or not closed:
        return {}
    known = dialect.properties(error.schema)
    return {key: closest_name(key, known) for key in error.instance if key not in known}


def _unknown_keys(error: ValidationError, dialect: Dialect) -> Iterator[str]:
    """Yield a description of each unknown key, with a hint; all known keys are listed once, if a key has no hint."""
    unknown = _unknown(error, dialect)
    advice = {key: dialect.advice_of_key(key, error.instance[key], error.schema) for key in unknown}
    without_hint = [key for key, near in unknown.items() if not near and not advice[key]]
    for key, near in unknown.items():
        if advice[key]:
            yield f"unknown key {key!r}{advice[key]}"
        elif near:
            yield f"unknown key {key!r}{dialect.aside.format(f'did you mean {near!r}?')}"
        elif key == without_hint[-1]:
            known = ", ".join(dialect.properties(error.schema))
            yield f"unknown key {key!r}{dialect.aside.format(f'known are {known}')}"
        else:
            yield f"unknown key {key!r}"


def _describe_name(error: ValidationError, dialect: Dialect) -> str:
    """Describe why a name cannot be a key."""
    name, rule = error.instance, error.validator_value
    if error.validator == "enum":
        hint = did_you_mean(name, rule) or f"; {error.schema['title']} has only {', '.join(rule)}"
        return f"unknown key {name!r}{hint}"
    if error.validator == "not":
        return f"{name!r} cannot be a name here: it is reserved"
    if not isinstance(name, str):
        return f"{name!r} cannot be a name here: write it in quotes"
    return f"{name!r} cannot be a name here: {error.schema['description']}"


def _wanted_types(error: ValidationError) -> list[str]:
    """Return the types that the alternatives require, if the value has the wrong type for each of them."""
    own = [each for each in error.context if not each.path]
    wanted = [each.validator_value if each.validator == "type" else None for each in own]
    return [] if None in wanted else list(dict.fromkeys(wanted))


def _selects_kind(error: ValidationError) -> bool:
    return error.validator in ("const", "enum") and list(error.path) in [[key] for key in KINDS]


def _describe_alternatives(error: ValidationError, dialect: Dialect) -> str:
    """Describe a value that matches none of the alternatives, or more than one."""
    value, rule = error.instance, error.validator_value
    if all(each.keys() == {"required"} for each in rule):
        return f"needs exactly one of {', '.join(key for each in rule for key in each['required'])}"
    if _wanted_types(error):
        wanted = " or ".join(dialect.types[each] for each in _wanted_types(error))
        return f"needs {wanted}, has {dialect.value(value)}"
    if isinstance(value, dict):
        return _describe_kind(error, dialect)
    return f"{dialect.value(value)} is none of the known forms"


def _describe_kind(error: ValidationError, dialect: Dialect) -> str:
    """Describe an object of no known kind."""
    tell = [each for each in error.context if _selects_kind(each)]
    key = next((each.path[0] for each in tell), KINDS[0])
    known = [kind for each in tell for kind in _texts(each.validator_value)]
    found = error.instance.get(key)
    if key not in error.instance:
        wanted = [each.validator_value for each in error.context if each.validator == "required" and not each.path]
        others = [name for name in wanted[0] if all(name in each for each in wanted)] if wanted else []
        missing = dict.fromkeys([key, *(name for name in others if name not in error.instance)])
        return ", ".join(f"the key {name!r} is missing" for name in missing)
    if not known or found in known:
        return f"{dialect.value(error.instance)} is none of the known forms"
    return f"{key} is {dialect.value(found)}; there are {', '.join(known)}{did_you_mean(found, known)}"
