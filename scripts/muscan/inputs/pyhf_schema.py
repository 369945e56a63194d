"""Put what pyhf's schemas say of a workspace or a patch set into words that name the place in the JSON."""

import reprlib
from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema
import pyhf
from referencing import Registry
from referencing.jsonschema import DRAFT6

from muscan.base import schema_words
from muscan.base.schema_words import Dialect
from muscan.base.words import did_you_mean, join_items

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
FORMS = {
    "^[a-zA-Z0-9_]+$": "letters, digits and _ only",
    "^[a-f0-9]{32}$": "32 hexadecimal digits",
    "^[a-fA-F0-9]{64}$": "64 hexadecimal digits",
    "^ins[0-9]{7}$": "ins and seven digits",
}


def problems(document: Any, schema: str, version: str, part: tuple = ()) -> str:
    """Return all that is wrong with a document, or the first of many problems.

    Args:
        document: of a file.
        schema: a file of pyhf's schemas, such as "workspace.json".
        version: of pyhf's schemas.
        part: the place of the only part that is looked at, such as ("patches", 7).
    """
    defs, rules = (pyhf.schema.load_schema(f"{version}/{name}") for name in (DEFS, schema))
    registry = Registry().with_resource(DEFS, DRAFT6.create_resource(defs))
    found = jsonschema.Draft6Validator(rules, registry=registry).iter_errors(document)
    texts: dict[str, list[str]] = {}
    for error in (meant for each in found for meant in schema_words.relevant_errors(each)):
        if tuple(error.absolute_path)[: len(part)] == part:
            texts.setdefault(place(error.absolute_path, document), []).extend(schema_words.describe_error(error, JSON))
    return join_items(
        [f"{where}: {', '.join(dict.fromkeys(each))}" for where, each in texts.items() if each], MOST, "; "
    )


def place(path: Iterable[str | int], document: Any) -> str:
    """Return a place in JSON with the names on the way: `channels[0].samples[1] (channel 'SR', sample 'top')`."""
    path = list(path)
    names = ", ".join(_names(path, document))
    return f"{schema_words.format_path(path) or 'top level'}{f' ({names})' if names else ''}"


def has(value: Any) -> str:
    """Return a value of any kind in words."""
    if isinstance(value, dict):
        return "an empty object" if not value else f"an object with {reprlib.repr(list(value))}"
    if isinstance(value, list):
        return "an empty list" if not value else f"the list {reprlib.repr(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"the text {reprlib.repr(value)}" if isinstance(value, str) else f"the number {reprlib.repr(value)}"


def _names(path: list[str | int], document: Any) -> Iterator[str]:
    """Yield the names of the objects on the way to a place, behind their kinds: `sample 'top'`."""
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


def _advice(error: jsonschema.ValidationError) -> str:
    if error.validator not in ("const", "enum"):
        return ""
    return did_you_mean(error.instance, error.validator_value if error.validator == "enum" else [error.validator_value])


JSON = Dialect(types=TYPES, value=has, aside=" ({})", forms=FORMS, advice=_advice)
