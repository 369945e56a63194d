"""What a JSON schema complains about, in words that name the place in the file."""

import reprlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import jsonschema
import pyhf
from referencing import Registry
from referencing.jsonschema import DRAFT6

from muscan.base.words import did_you_mean, listed, nearest

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


def problems(document: Any, schema: str, version: str, part: tuple = ()) -> str:
    """All that is wrong with a document, the first few of many.

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
    for error in (meant for each in found for meant in _meant(each)):
        if tuple(error.absolute_path)[: len(part)] == part:
            texts.setdefault(place(error.absolute_path, document), []).extend(_complaints(error))
    return listed([f"{where}: {', '.join(dict.fromkeys(each))}" for where, each in texts.items() if each], MOST, "; ")


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


def _meant(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    """Of several alternatives, none of which fits, the errors of the one that is meant."""
    alternatives = [list(each) for _, each in groupby(error.context, key=lambda each: each.schema_path[0])]
    meant = [each for each in alternatives if not any(_tells_the_kind(one) for one in each)]
    if alternatives and len(_wanted_types(error)) == 1:
        yield alternatives[0][0]
    elif len(meant) == 1:
        for each in meant[0]:
            yield from _meant(each)
    else:
        yield error


def _wanted_types(error: jsonschema.ValidationError) -> list[str]:
    """The types that the alternatives want, if each wants another than there is."""
    own = [each for each in error.context if not each.path]
    wanted = [each.validator_value if each.validator == "type" else None for each in own]
    return [] if None in wanted else list(dict.fromkeys(wanted))


def _tells_the_kind(error: jsonschema.ValidationError) -> bool:
    return error.validator in ("const", "enum") and list(error.path) in [[key] for key in KINDS]


def _complaints(error: jsonschema.ValidationError) -> Iterator[str]:
    """What is wrong; keys that are missing or unknown one by one."""
    misspelt = _misspelt(error)
    if error.validator == "required":
        # There is an error for each missing key. Of one that is misspelt the error of the unknown key says more.
        there = (*error.instance, *misspelt.values())
        yield from (f"the key {key!r} is missing" for key in error.validator_value if key not in there)
    elif error.validator == "additionalProperties":
        yield from (f"unknown key {key!r} (did you mean {near!r}?)" for key, near in misspelt.items() if near)
        others = ", ".join(f"unknown key {key!r}" for key, near in misspelt.items() if not near)
        if others:
            yield f"{others} (known are {', '.join(error.schema['properties'])})"
    else:
        yield _complaint(error)


def _misspelt(error: jsonschema.ValidationError) -> dict[str, str | None]:
    """Unknown keys of an object that has no others than those of its schema, and the known ones that they are like."""
    if not isinstance(error.instance, dict) or error.schema.get("additionalProperties") is not False:
        return {}
    known = error.schema["properties"]
    return {key: nearest(key, known) for key in error.instance if key not in known}


def _complaint(error: jsonschema.ValidationError) -> str:
    value, rule = error.instance, error.validator_value
    if error.validator == "type":
        return f"needs {TYPES[rule]}, has {has(value)}"
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
        wanted = [each.validator_value for each in error.context if each.validator == "required" and not each.path]
        others = [name for name in wanted[0] if all(name in each for each in wanted)] if wanted else []
        missing = dict.fromkeys([key, *(name for name in others if name not in error.instance)])
        return ", ".join(f"the key {name!r} is missing" for name in missing)
    if not known or found in known:
        return f"{has(error.instance)} is none of the known forms"
    return f"{key} is {has(found)}; there are {', '.join(known)}{did_you_mean(found, known)}"


def _listed(rule: Any) -> list:
    return rule if isinstance(rule, list) else [rule]
