"""The schema of configurations, its parts, and the defaults in it.

The schema is read once, when something of it is first needed. Only Snakemake's own process and the commands read it:
jobs get settings that are complete.
"""

from collections.abc import Iterator
from functools import lru_cache

from muscan.base.versions import ROOT

FILE = ROOT / "config" / "config.schema.yaml"


@lru_cache
def schema() -> dict:
    """Return the schema as it stands in its file."""
    import yaml  # here, so that jobs can import the other modules of this package at no cost

    return yaml.load(FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@lru_cache
def validator():
    """Return a validator of configurations, for which a number with a decimal point is not whole, not even 2.0."""
    import jsonschema

    draft = jsonschema.Draft202012Validator
    # range() takes no 2.0.
    whole = draft.TYPE_CHECKER.redefine("integer", lambda _, each: isinstance(each, int) and not isinstance(each, bool))
    return jsonschema.validators.extend(draft, type_checker=whole)(schema())


def resolved(part: dict) -> dict:
    """Return a part of the schema with what its `$ref` names; what stands beside `$ref` comes first.

    Returns:
        The part; where it has properties of its own, the part with the others is under `inherited`.
    """
    while "$ref" in part:
        other = schema()["$defs"][part["$ref"].rpartition("/")[2]]
        own = {key: value for key, value in part.items() if key != "$ref"}
        common = other if "properties" in own else {}
        part = other | own | {"properties": _properties(own) | _properties(other), "inherited": common}
    return part


def at(path: str) -> dict:
    """Return the part of the schema for a place in a configuration.

    Args:
        path: such as `scan.toys` or `models.<name>.samples.<sample>[]`, where a part in angle brackets stands for any
            name, and `[]` for an entry of a list; empty for the whole configuration.
    """
    part = schema()
    for step in filter(None, path.replace("[]", ".[]").split(".")):
        part = resolved(part)
        part = part["items"] if step == "[]" else part["additionalProperties" if step.startswith("<") else "properties"]
        if not step.startswith(("<", "[")):
            part = part[step]
    return resolved(part)


def complete(config: dict) -> dict:
    """Return a configuration with the defaults of all keys that it leaves out.

    An analysis has the settings that it overrides, and no others. Entries that are None, because a check found problems
    in them, stay None.
    """
    keys = at("analyses.<name>")["properties"]
    analyses = {
        name: entry and {key: _filled(value, keys[key]) for key, value in entry.items()}
        for name, entry in config["analyses"].items()
    }
    others = {key: value for key, value in config.items() if key != "analyses"}
    return config | _filled(others, schema()) | {"analyses": analyses}


def _filled(value, part: dict):
    """Return a value with the defaults that a part of the schema has for it."""
    part = resolved(part)
    if isinstance(value, list):
        return [_filled(each, part["items"]) for each in value] if "items" in part else value
    if not isinstance(value, dict):
        return value
    properties, others = _properties(part), part.get("additionalProperties") or {}
    missing = {key: default for key, default in _defaults(value, part) if key not in value}
    return {key: _filled(each, properties.get(key, others)) for key, each in (value | missing).items()}


def _defaults(value: dict, part: dict) -> Iterator[tuple[str, object]]:
    """Yield the defaults of a block, with those that depend on its other keys."""
    for key, each in part.get("properties", {}).items():
        if "default" in each:
            yield key, each["default"]
    for branch in (part, *part.get("allOf", [])):
        if "if" in branch:
            holds = validator().evolve(schema=branch["if"]).is_valid(value)
            yield from _defaults(value, branch.get("then" if holds else "else", {}))


def _properties(part: dict) -> dict[str, dict]:
    return part.get("properties", {})
