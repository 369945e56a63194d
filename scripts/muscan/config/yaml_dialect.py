"""Put what the schema says of a configuration into words for people who write YAML."""

import reprlib
from collections.abc import Iterable, Iterator

from jsonschema import ValidationError

from muscan.base import schema_words
from muscan.base.schema_words import Dialect
from muscan.base.words import closest_name, did_you_mean
from muscan.config.schema import resolved
from muscan.config.terms import explained

TYPES = {
    "object": "a block of keys",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def place(path: Iterable[str | int]) -> str:
    """Return a place in a configuration in words, such as `scan.mu[0]`."""
    return schema_words.place(path) or "the top level"


def schema_problems(error: ValidationError) -> Iterator[str]:
    """Return problems in words that name the key."""
    return (f"{place(error.absolute_path)}: {text}" for text in schema_words.complaints(error, YAML))


def _value(value) -> str:
    if isinstance(value, dict):
        return TYPES["object"]
    if isinstance(value, list):
        return TYPES["array"]
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return f"the text {reprlib.repr(value)}" if isinstance(value, str) else str(value)


def _properties(part: dict) -> dict[str, dict]:
    return resolved(part).get("properties", {})


def _advice(error: ValidationError) -> str:
    """Return advice on terms of the field, misspelt values, and values that YAML takes for something else."""
    key, value = _key(error), error.instance
    if error.validator in ("type", "pattern"):
        return _of_number(value, error.schema) or _explanation(key, value) or _of_list(value, error.schema)
    if error.validator in ("enum", "const"):
        known = error.validator_value if error.validator == "enum" else [error.validator_value]
        return _explanation(key, value) or did_you_mean(value, known)
    if error.validator == "exclusiveMaximum" and key == "confidence_level" and 1 < value < 100:
        return f"; write {value / 100:g}"
    return ""


def _advice_of_key(key: str, value, part: dict) -> str:
    """Return advice on an unknown key: the block below that has it, or what its value says of the key that is meant."""
    known = _properties(part)
    blocks = (name for name, each in known.items() if key in _properties(each))
    block = next((f"; it is a key of the block {name!r}" for name in blocks), "")
    explanation = _explanation(closest_name(key, known), value)
    return block + explanation if block else did_you_mean(key, known) + explanation if explanation else ""


def _key(error: ValidationError) -> str | None:
    """Return the key under which a wrong value stands, directly or in a list."""
    return next((part for part in reversed(error.absolute_path) if isinstance(part, str)), None)


def _explanation(key: str | None, value) -> str:
    """Return what to write in the place of a term of the field."""
    text = explained(key, value) if key else ""
    return f"; {text}" if text else ""


def _types(part: dict) -> list[str]:
    return part["type"] if isinstance(part["type"], list) else [part["type"]]


def _of_list(value, part: dict) -> str:
    """Return what to do with a single value where a list is needed."""
    known = part.get("items", {}).get("enum", []) if "array" in _types(part) else []
    return f"; write [{value}]" if isinstance(value, str) and value in known else ""


def _of_number(value, part: dict) -> str:
    """Return what to do with a number that arrives as text."""
    if not isinstance(value, str) or not {"number", "integer"} & set(_types(part)):
        return ""
    try:
        float(value)
    except ValueError:
        return ""
    form = "as 1.0e-3, with point and sign" if "e" in value.lower() else "without quotes"
    return f"; write it {form} (nested values of --config are always text: write those in a file)"


YAML = Dialect(
    types=TYPES,
    value=_value,
    aside="; {}",
    forms={},
    properties=_properties,
    advice=_advice,
    advice_of_key=_advice_of_key,
)
