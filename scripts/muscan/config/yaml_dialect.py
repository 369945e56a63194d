"""Translate errors of the schema of configurations into messages in the terms of YAML."""

import reprlib
from collections.abc import Iterable, Iterator

from jsonschema import ValidationError

from muscan.base import schema_words
from muscan.base.schema_words import Dialect
from muscan.base.words import closest_name, did_you_mean
from muscan.config.schema import resolve
from muscan.config.terms import explain_term

TYPES = {
    "object": "a block of keys",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def format_place(path: Iterable[str | int]) -> str:
    """Format the path to a value in a configuration, such as `scan.mu[0]`."""
    return schema_words.format_path(path) or "the top level"


def schema_problems(error: ValidationError) -> Iterator[str]:
    """Return descriptions of an error, each with the path of the key."""
    return (f"{format_place(error.absolute_path)}: {text}" for text in schema_words.describe_error(error, YAML))


def _value(value: object) -> str:
    """Describe a value."""
    if isinstance(value, dict):
        return TYPES["object"]
    if isinstance(value, list):
        return TYPES["array"]
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return f"the text {reprlib.repr(value)}" if isinstance(value, str) else str(value)


def _properties(part: dict) -> dict[str, dict]:
    return resolve(part).get("properties", {})


def _advice(error: ValidationError) -> str:
    """Return advice on terms of the field, misspelt values, and values that YAML reads as another type."""
    key, value = _key(error), error.instance
    if error.validator in ("type", "pattern"):
        return _number_advice(value, error.schema) or _explanation(key, value) or _list_advice(value, error.schema)
    if error.validator in ("enum", "const"):
        known = error.validator_value if error.validator == "enum" else [error.validator_value]
        return _explanation(key, value) or did_you_mean(value, known)
    if error.validator == "exclusiveMaximum" and key == "confidence_level" and 1 < value < 100:
        return f"; write {value / 100:g}"
    return ""


def _advice_of_key(key: str, value: object, part: dict) -> str:
    """Return advice on an unknown key: the inner block that has it, or a similar key if its value is a known term."""
    known = _properties(part)
    blocks = (name for name, each in known.items() if key in _properties(each))
    block = next((f"; it is a key of the block {name!r}" for name in blocks), "")
    explanation = _explanation(closest_name(key, known), value)
    return block + explanation if block else did_you_mean(key, known) + explanation if explanation else ""


def _key(error: ValidationError) -> str | None:
    """Return the key of a wrong value, which may be in a list."""
    return next((part for part in reversed(error.absolute_path) if isinstance(part, str)), None)


def _explanation(key: str | None, value: object) -> str:
    """Return advice on a value that is a term of the field."""
    text = explain_term(key, value) if key else ""
    return f"; {text}" if text else ""


def _types(part: dict) -> list[str]:
    return part["type"] if isinstance(part["type"], list) else [part["type"]]


def _list_advice(value: object, part: dict) -> str:
    """Return advice on a single value where a list is needed."""
    known = part.get("items", {}).get("enum", []) if "array" in _types(part) else []
    return f"; write [{value}]" if isinstance(value, str) and value in known else ""


def _number_advice(value: object, part: dict) -> str:
    """Return advice on a number that is given as text."""
    if not isinstance(value, str) or not {"number", "integer"} & set(_types(part)):
        return ""
    try:
        number = float(value)
    except ValueError:
        return ""
    mantissa, letter, exponent = value.strip().lower().partition("e")
    if not letter:
        return "; write it without quotes, in a YAML file"
    if "number" not in _types(part):
        return f"; write {number:.0f}" if number.is_integer() else ""
    point = "" if "." in mantissa else ".0"
    sign = "" if exponent.startswith(("-", "+")) else "+"
    return f"; write {mantissa}{point}e{sign}{exponent}: YAML needs a decimal point, and a sign after the e"


YAML = Dialect(
    types=TYPES,
    value=_value,
    aside="; {}",
    forms={},
    properties=_properties,
    advice=_advice,
    advice_of_key=_advice_of_key,
)
