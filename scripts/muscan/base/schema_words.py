"""Put what a JSON schema says of a document into words: what is wrong, what is there, and what to do.

How values are called depends on who reads the words: a `Dialect` is for the readers of one kind of file.
"""

import reprlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from jsonschema import ValidationError

from muscan.base.words import closest_name, did_you_mean

RANGES = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
# Where the alternatives of a schema differ, the value of one of these keys says which is meant.
KINDS = ("type", "op")


@dataclass(frozen=True)
class Dialect:
    """How a kind of file calls its values.

    Attributes:
        types: what a schema's types are called, such as "a list" for `array`.
        value: a value in words.
        aside: the form of a hint behind an unknown key, with {} for the hint.
        forms: regular expressions of the schema in words.
        properties: the keys of an object in a schema, with their own schemas.
        advice: what else to say of a wrong value, behind the complaint; empty, or begins with "; ".
        advice_of_key: the same of an unknown key: from its name, its value, and the schema of the object.
    """

    types: dict[str, str]
    value: Callable[[Any], str]
    aside: str
    forms: dict[str, str]
    properties: Callable[[dict], dict] = lambda schema: schema.get("properties", {})
    advice: Callable[[ValidationError], str] = lambda error: ""
    advice_of_key: Callable[[str, Any, dict], str] = lambda key, value, schema: ""


def place(path: Iterable[str | int]) -> str:
    """Return a place in a document, such as `channels[0].name`; empty for the whole document."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def meant(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors of the alternative that is meant, where a document fits none of several."""
    alternatives = [list(each) for _, each in groupby(error.context, key=lambda each: each.schema_path[0])]
    possible = [each for each in alternatives if not any(_tells_the_kind(one) for one in each)]
    if alternatives and len(_wanted_types(error)) == 1:
        yield alternatives[0][0]
    elif len(possible) == 1:
        for each in possible[0]:
            yield from meant(each)
    else:
        yield error


def complaints(error: ValidationError, dialect: Dialect) -> Iterator[str]:
    """Yield what is wrong at a place; each missing or unknown key is a complaint of its own, and may come twice."""
    if "propertyNames" in error.absolute_schema_path:
        yield _name_complaint(error, dialect)
    elif error.validator == "required":
        # There is an error for each missing key. Of one that is misspelt the error of the unknown key says more.
        there = (*error.instance, *_unknown(error, dialect).values())
        yield from (f"the key {key!r} is missing" for key in error.validator_value if key not in there)
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_keys(error, dialect)
    else:
        yield _complaint(error, dialect) + dialect.advice(error)


def _complaint(error: ValidationError, dialect: Dialect) -> str:
    value, rule, kind = error.instance, error.validator_value, error.validator
    if kind in ("type", "pattern"):
        return f"needs {_wanted(error, dialect)}, has {dialect.value(value)}"
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
        return f"{next(each for each in value if value.count(each) > 1)!r} stands twice"
    if kind in RANGES:
        return f"must be {RANGES[kind]} {rule}, is {value}"
    if kind == "not" and "dependentSchemas" in error.absolute_schema_path:
        return f"{error.absolute_schema_path[-2]} and {rule['required'][0]} exclude one another; remove one"
    if kind in ("anyOf", "oneOf"):
        return _complaint_of_alternatives(error, dialect)
    return f"{reprlib.repr(value)} does not obey the rule {kind} {reprlib.repr(rule)}"


def _wanted(error: ValidationError, dialect: Dialect) -> str:
    """What a schema wants, in words."""
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
    """Unknown keys, each with what may be meant; with the last of which nothing is known stand all known keys."""
    unknown = _unknown(error, dialect)
    advice = {key: dialect.advice_of_key(key, error.instance[key], error.schema) for key in unknown}
    strange = [key for key, near in unknown.items() if not near and not advice[key]]
    for key, near in unknown.items():
        if advice[key]:
            yield f"unknown key {key!r}{advice[key]}"
        elif near:
            yield f"unknown key {key!r}{dialect.aside.format(f'did you mean {near!r}?')}"
        elif key == strange[-1]:
            known = ", ".join(dialect.properties(error.schema))
            yield f"unknown key {key!r}{dialect.aside.format(f'known are {known}')}"
        else:
            yield f"unknown key {key!r}"


def _name_complaint(error: ValidationError, dialect: Dialect) -> str:
    """Why a name cannot be a key."""
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
    """The types that the alternatives want, if each wants another than there is."""
    own = [each for each in error.context if not each.path]
    wanted = [each.validator_value if each.validator == "type" else None for each in own]
    return [] if None in wanted else list(dict.fromkeys(wanted))


def _tells_the_kind(error: ValidationError) -> bool:
    return error.validator in ("const", "enum") and list(error.path) in [[key] for key in KINDS]


def _complaint_of_alternatives(error: ValidationError, dialect: Dialect) -> str:
    """None of the alternatives fits, or more than one does."""
    value, rule = error.instance, error.validator_value
    if all(each.keys() == {"required"} for each in rule):
        return f"needs exactly one of {', '.join(key for each in rule for key in each['required'])}"
    if _wanted_types(error):
        wanted = " or ".join(dialect.types[each] for each in _wanted_types(error))
        return f"needs {wanted}, has {dialect.value(value)}"
    if isinstance(value, dict):
        return _complaint_of_kind(error, dialect)
    return f"{dialect.value(value)} is none of the known forms"


def _complaint_of_kind(error: ValidationError, dialect: Dialect) -> str:
    """An object of no known kind."""
    tell = [each for each in error.context if _tells_the_kind(each)]
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
