"""What a JSON schema complains about, in words that name the place in the file."""

import reprlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import jsonschema
import pyhf
from referencing import Registry
from referencing.jsonschema import DRAFT6

from messages import did_you_mean, listed

DEFS = "defs.json"  # what all schemas of pyhf refer to
MOST = 10  # problems of a file that are told

TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
# Where the alternatives of a schema differ, the value of one of these keys says which is meant.
KINDS = ("type", "op")
FORMS = {
    "^[a-zA-Z0-9_]+$": "letters, digits and _ only",
    "^[a-f0-9]{32}$": "32 hexadecimal digits",
    "^[a-fA-F0-9]{64}$": "64 hexadecimal digits",
    "^ins[0-9]{7}$": "ins and seven digits",
}


def problems(document: Any, schema: str, version: str) -> str:
    """All that is wrong with a document, the first few of many.

    Args:
        document: of a file.
        schema: a file of pyhf's schemas, such as "workspace.json".
        version: of pyhf's schemas.
    """
    defs, rules = (pyhf.schema.load_schema(f"{version}/{name}") for name in (DEFS, schema))
    registry = Registry().with_resource(DEFS, DRAFT6.create_resource(defs))
    validator = jsonschema.Draft6Validator(rules, registry=registry)
    return listed([in_words(error, document) for error in validator.iter_errors(document)], MOST, "; ")


def in_words(error: jsonschema.ValidationError, document: Any) -> str:
    """The place, the names of what lies there, and what is wrong.

    Args:
        error: of a schema of pyhf.
        document: the whole file.
    """
    error = _meant(error)
    return f"{place(error.absolute_path, document)}: {_complaint(error)}"


def place(path: Iterable[str | int], document: Any) -> str:
    """A place in JSON with the names on the way: `channels[0].samples[1] (channel 'SR', sample 'top')`."""
    path = list(path)
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    names = ", ".join(_names(path, document))
    return f"{where or 'top level'}{f' ({names})' if names else ''}"


def has(value: Any) -> str:
    """A value of any kind, in words."""
    if isinstance(value, dict):
        return "an empty object" if not value else f"an object with {reprlib.repr(list(value))}"
    if isinstance(value, list):
        return "an empty list" if not value else f"the list {reprlib.repr(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"the text {reprlib.repr(value)}" if isinstance(value, str) else f"the number {reprlib.repr(value)}"


def _names(path: list[str | int], document: Any) -> Iterator[str]:
    """Names of the objects on the way to a place, behind what they are: `sample 'top'`."""
    block = ""
    for part in path:
        try:
            document = document[part]
        except (IndexError, KeyError, TypeError):
            return
        if isinstance(part, str):
            block = part
        elif isinstance(document, dict):
            name = document.get("name", (document.get("metadata") or {}) if block == "patches" else None)
            name = name.get("name") if isinstance(name, dict) else name
            kind = block.removesuffix("es") if block == "patches" else block.removesuffix("s")
            kind = str(document.get("type", kind)) if block == "modifiers" else kind
            if isinstance(name, str):
                yield f"{kind} {reprlib.repr(name)}"


def _meant(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    """Of several alternatives, none of which fits, the error of the one that is meant."""
    if not error.context:
        return error
    alternatives = [list(each) for _, each in groupby(error.context, key=lambda each: each.schema_path[0])]
    if len(_wanted_types(error)) == 1:
        return alternatives[0][0]
    meant = [each for each in alternatives if not any(_tells_the_kind(one) for one in each)]
    if len(meant) != 1:
        return error
    # A misspelt key is both unknown and missing; the first says more.
    return _meant(min(meant[0], key=lambda each: each.validator != "additionalProperties"))


def _wanted_types(error: jsonschema.ValidationError) -> list[str]:
    """The types that the alternatives want, if each wants another than there is."""
    own = [each for each in error.context if not each.path]
    wanted = [each.validator_value if each.validator == "type" else None for each in own]
    return [] if None in wanted else list(dict.fromkeys(wanted))


def _tells_the_kind(error: jsonschema.ValidationError) -> bool:
    return error.validator in ("const", "enum") and list(error.path) in [[key] for key in KINDS]


def _complaint(error: jsonschema.ValidationError) -> str:
    value, rule = error.instance, error.validator_value
    if error.validator == "type":
        return f"needs {TYPES[rule]}, has {has(value)}"
    if error.validator == "required":
        return f"the key {next(key for key in rule if key not in value)!r} is missing"
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(key for key in value if key not in known)
        return f"unknown key {unknown!r}{did_you_mean(unknown, known) or '; known are ' + ', '.join(known)}"
    if error.validator in ("const", "enum"):
        known = [str(each) for each in ([rule] if error.validator == "const" else rule)]
        return f"needs {' or '.join(known)}, has {has(value)}{did_you_mean(value, known)}"
    if error.validator == "pattern":
        return f"needs {FORMS.get(rule, f'the form {rule}')}, has {has(value)}"
    if error.validator == "minItems":
        return "the list is empty"
    if error.validator in ("anyOf", "oneOf") and _wanted_types(error):
        return f"needs {' or '.join(TYPES[each] for each in _wanted_types(error))}, has {has(value)}"
    if error.validator in ("anyOf", "oneOf") and isinstance(value, dict):
        return _unknown_kind(error)
    return f"{reprlib.repr(value)} does not obey the rule {error.validator} {reprlib.repr(rule)}"


def _unknown_kind(error: jsonschema.ValidationError) -> str:
    """None of the alternatives is meant."""
    tell = [each for each in error.context if _tells_the_kind(each)]
    key = next((each.path[0] for each in tell), KINDS[0])
    known = [kind for each in tell for kind in _listed(each.validator_value)]
    found = error.instance.get(key)
    if key not in error.instance:
        return f"the key {key!r} is missing"
    if not known or found in known:
        return f"{has(error.instance)} is none of the known forms"
    return f"{key} is {has(found)}; there are {', '.join(known)}{did_you_mean(found, known)}"


def _listed(rule: Any) -> list:
    return rule if isinstance(rule, list) else [rule]
