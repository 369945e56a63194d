"""Read the schema of configurations, look up its parts, and fill in its defaults.

The schema is read once, at its first use. Only the main process of Snakemake and the commands read it; jobs get
complete settings as options.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from muscan.base.versions import ROOT

FILE = ROOT / "config" / "config.schema.yaml"


@lru_cache
def schema() -> dict:
    """Return the schema as it is in its file."""
    import yaml  # here, so that jobs can import other modules of this package without it

    return yaml.load(FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@lru_cache
def validator():
    """Return a validator of configurations, for which 2.0 is not an integer."""
    import jsonschema

    draft = jsonschema.Draft202012Validator
    # JSON Schema accepts 2.0 as an integer, but range() does not.
    strict = draft.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    return jsonschema.validators.extend(draft, type_checker=strict)(schema())


def resolve(part: dict) -> dict:
    """Return a part of the schema merged with the definition that its `$ref` names.

    Entries of the part itself take precedence over those of the definition.

    Returns:
        The merged part; if the part has properties of its own, the definition is also under `inherited`.
    """
    while "$ref" in part:
        definition = schema()["$defs"][part["$ref"].rpartition("/")[2]]
        own = {key: value for key, value in part.items() if key != "$ref"}
        common = definition if "properties" in own else {}
        part = definition | own | {"properties": _properties(own) | _properties(definition), "inherited": common}
    return part


def schema_at(path: str) -> dict:
    """Return the part of the schema for a path in a configuration.

    Args:
        path: such as `scan.toys` or `models.<name>.samples.<sample>[]`, where angle brackets stand for any name, and
            `[]` for an entry of a list; "" for the whole configuration.
    """
    part = schema()
    for step in filter(None, path.replace("[]", ".[]").split(".")):
        part = resolve(part)
        part = part["items"] if step == "[]" else part["additionalProperties" if step.startswith("<") else "properties"]
        if not step.startswith(("<", "[")):
            part = part[step]
    return resolve(part)


def complete(config: dict) -> dict:
    """Return a complete configuration: with the defaults of all keys that are missing.

    An analysis gets no defaults for settings of `scan` that it does not override. Entries that are None, because a
    check found problems in them, remain None.
    """
    keys = schema_at("analyses.<name>")["properties"]
    analyses = {
        name: entry and {key: _filled(value, keys[key]) for key, value in entry.items()}
        for name, entry in config["analyses"].items()
    }
    others = {key: value for key, value in config.items() if key != "analyses"}
    return config | _filled(others, schema()) | {"analyses": analyses}


def _filled(value: Any, part: dict) -> Any:
    """Return a value with the defaults that a part of the schema gives for it."""
    part = resolve(part)
    if isinstance(value, list):
        return [_filled(entry, part["items"]) for entry in value] if "items" in part else value
    if not isinstance(value, dict):
        return value
    properties, others = _properties(part), part.get("additionalProperties") or {}
    missing = {key: default for key, default in _defaults(value, part) if key not in value}
    return {key: _filled(each, properties.get(key, others)) for key, each in (value | missing).items()}


def _defaults(value: dict, part: dict) -> Iterator[tuple[str, object]]:
    """Yield the keys of a block that have defaults, and the defaults; some depend on other keys of the block."""
    for key, each in part.get("properties", {}).items():
        if "default" in each:
            yield key, each["default"]
    for branch in (part, *part.get("allOf", [])):
        if "if" in branch:
            holds = validator().evolve(schema=branch["if"]).is_valid(value)
            yield from _defaults(value, branch.get("then" if holds else "else", {}))


def _properties(part: dict) -> dict[str, dict]:
    return part.get("properties", {})
