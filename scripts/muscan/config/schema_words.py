"""What a schema says of a configuration, in words that name the key and what to do."""

import reprlib
from collections.abc import Iterable, Iterator

import jsonschema

from muscan.base.words import did_you_mean, nearest
from muscan.config.terms import explained

TYPES = {
    "object": "a block of keys",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}
RANGES = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


def place(path: Iterable[str | int]) -> str:
    """A place in the configuration: `scan.mu[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "the top level"


def schema_problems(error: jsonschema.ValidationError) -> Iterator[str]:
    """Problems in words that name the key."""
    where, value, rule = place(error.absolute_path), error.instance, error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        yield f"{where}: {_name_problem(error)}"
    elif error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for key in value:
            if key not in known:
                hint = _block_of(key, error.schema) or did_you_mean(key, known) or f"; known are {', '.join(known)}"
                yield f"{where}: unknown key {key!r}{hint}{_explanation(nearest(key, known), value[key])}"
    elif error.validator == "required":
        # One error for each key that is missing; its message begins with the key.
        yield f"{where}: the key {error.message.removesuffix(' is a required property')} is missing"
    elif error.validator in ("type", "pattern"):
        hint = _text_hint(value, error.schema) or _explanation(_key(error), value) or _list_hint(value, error.schema)
        yield f"{where}: needs {_wanted(error.schema)}, has {_has(value)}{hint}"
    elif error.validator in ("enum", "const"):
        known = [str(each) for each in (rule if error.validator == "enum" else [rule])]
        one_of = "one of " if len(known) > 1 else ""
        hint = _explanation(_key(error), value) or did_you_mean(value, known)
        yield f"{where}: needs {one_of}{', '.join(known)}, has {_has(value)}{hint}"
    elif error.validator in ("minProperties", "maxProperties"):
        known = list(error.schema.get("properties", {}))
        yield f"{where}: needs {'exactly one of ' + ', '.join(known) if known else 'at least one entry'}"
    elif error.validator == "oneOf":
        yield f"{where}: needs exactly one of {', '.join(key for each in rule for key in each['required'])}"
    elif error.validator in ("minItems", "maxItems"):
        most = "least" if error.validator == "minItems" else "most"
        yield f"{where}: needs at {most} {rule} {'entry' if rule == 1 else 'entries'}, has {len(value)}"
    elif error.validator == "uniqueItems":
        yield f"{where}: {next(each for each in value if value.count(each) > 1)!r} stands twice"
    elif error.validator in RANGES:
        percent = f"; write {value / 100:g}" if _key(error) == "confidence_level" and 1 < value < 100 else ""
        yield f"{where}: must be {RANGES[error.validator]} {rule}, is {value}{percent}"
    elif error.validator == "not":
        yield f"{where}: patchset and patches exclude one another; remove one"
    else:
        yield f"{where}: {error.message}"


def _block_of(key: str, schema: dict) -> str:
    """A hint at the block one level below that has the key; empty if none has."""
    blocks = (name for name, each in schema["properties"].items() if key in each.get("properties", {}))
    return next((f"; it is a key of the block {name!r}" for name in blocks), "")


def _key(error: jsonschema.ValidationError) -> str | None:
    """The key under which a wrong value stands, itself or in a list."""
    return next((part for part in reversed(error.absolute_path) if isinstance(part, str)), None)


def _explanation(key: str | None, value) -> str:
    """What to know of a term of the field that is no value of the key."""
    text = explained(key, value) if key else ""
    return f"; {text}" if text else ""


def _name_problem(error: jsonschema.ValidationError) -> str:
    """Why a name cannot be a key."""
    if error.validator == "enum":
        known = error.validator_value
        hint = did_you_mean(error.instance, known) or f"; {error.schema['title']} has only {', '.join(known)}"
        return f"unknown key {error.instance!r}{hint}"
    if error.validator == "not":
        return f"{error.instance!r} cannot be a name here: it is reserved"
    if not isinstance(error.instance, str):
        return f"{error.instance!r} cannot be a name here: write it in quotes"
    rule = "names have letters, digits and . _ + - only, begin with a letter or digit, and have at most 100 characters"
    return f"{error.instance!r} cannot be a name here: {rule}"


def _wanted(schema: dict) -> str:
    """What a schema wants, in words."""
    return schema.get("description") or " or ".join(TYPES[each] for each in _types(schema))


def _types(schema: dict) -> list[str]:
    return schema["type"] if isinstance(schema["type"], list) else [schema["type"]]


def _has(value) -> str:
    """A value of any kind, in words."""
    if isinstance(value, dict):
        return TYPES["object"]
    if isinstance(value, list):
        return TYPES["array"]
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return f"the text {reprlib.repr(value)}" if isinstance(value, str) else str(value)


def _list_hint(value, schema: dict) -> str:
    """What to do with a value that is alone where a list of such is needed."""
    known = schema.get("items", {}).get("enum", []) if "array" in _types(schema) else []
    return f"; write [{value}]" if isinstance(value, str) and value in known else ""


def _text_hint(value, schema: dict) -> str:
    """What to do with a number that arrives as text."""
    if not isinstance(value, str) or not {"number", "integer"} & set(_types(schema)):
        return ""
    try:
        float(value)
    except ValueError:
        return ""
    form = "as 1.0e-3, with point and sign" if "e" in value.lower() else "without quotes"
    return f"; write it {form} (nested values of --config are always text: write those in a file)"
