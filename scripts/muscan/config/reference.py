"""Write the reference of configurations: tables of keys in Markdown, from the schema."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from muscan.config.schema import at, resolved

NEEDED, NOTHING = "needed", "–"
WORDS = {"object": "block", "string": "text", "boolean": "true or false", "array": "list"}
MANY = {"number": "numbers", "integer": "integers", "string": "names"}  # entries of lists
TABLE = re.compile(r"(<!-- keys of (?P<path>[^\n]*) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
WHOLE = "a configuration"  # in the place of a path


class Row(NamedTuple):
    """A key of a block: the texts in the columns of a table."""

    key: str
    type: str
    default: str
    meaning: str


class Condition(NamedTuple):
    """What the other keys of a block must be for something to hold: "for `a`, `b` without `c`"."""

    values: tuple[str, ...] = ()  # of the key that says the kind of the block
    others: str = ""  # with and without which keys


def with_tables(text: str) -> str:
    """Return a text in Markdown with its tables of keys written anew.

    A table stands between `<!-- keys of PATH -->` and `<!-- end of keys -->`, with a path such as `scan.toys` or
    `models.<name>`, or "a configuration". The keys of a block in a block stand in the same table, unless the inner one
    has a table of its own.
    """
    paths = {match["path"] for match in TABLE.finditer(text)}
    return TABLE.sub(lambda match: f"{match[1]}{table(match['path'], paths)}{match[3]}", text)


def table(path: str, others: set[str]) -> str:
    """Return the table of the keys of a block, in Markdown.

    Args:
        path: of the block.
        others: paths of blocks that have tables of their own.
    """
    start = "" if path == WHOLE else path
    lines = [f"| {' | '.join(row)} |\n" for row in rows(at(start), start, others)]
    return "".join(["| key | type | default | meaning |\n", "|---|---|---|---|\n", *lines])


def rows(part: dict, place: str, others: set[str], prefix: str = "") -> Iterator[Row]:
    """Yield the rows for the keys of a block, and for those of the blocks in it.

    Args:
        part: the schema of the block.
        place: its path.
        others: paths at which another table begins.
        prefix: what stands before its keys.
    """
    part = resolved(part)
    inherited = part.get("inherited", {})
    shared = inherited.get("properties", {})
    for key, each in part.get("properties", {}).items():
        if key not in shared:
            yield Row(f"`{prefix}{key}`", type_of(each), default_of(key, part), resolved(each)["description"])
            yield from _below(each, f"{place}.{key}".lstrip("."), others, f"{prefix}{key}")
    if shared:
        keys = ", ".join(f"`{key}`" for key in shared)
        yield Row(keys, "as under `scan`", "those of `scan`", inherited["description"])
    if isinstance(part.get("additionalProperties"), dict):
        each, key = part["additionalProperties"], f"<{part['propertyNames']['title']}>"
        if f"{place}.{key}" not in others:
            needed = part.get("minProperties") and not part.get("properties")
            default = resolved(each).get("absent", NEEDED if needed else NOTHING)
            yield Row(f"`{prefix}{key}`", type_of(each), default, resolved(each)["description"])
            yield from _below(each, f"{place}.{key}", others, f"{prefix}{key}")


def _below(part: dict, place: str, others: set[str], prefix: str) -> Iterator[Row]:
    """Yield the rows for keys in a value, or in the entries of a list."""
    part = resolved(part)
    if place not in others:
        yield from rows(part, place, others, f"{prefix}.")
    if "properties" in resolved(part.get("items", {})) and f"{place}[]" not in others:
        yield from rows(part["items"], f"{place}[]", others, f"{prefix}[].")


def type_of(part: dict) -> str:
    """Return the type of a value in words, such as "integer, at least 1"."""
    part = resolved(part)
    if "title" in part:
        return re.sub(r"^an? ", "", part["title"])
    if "enum" in part or "const" in part:
        return _one_of(part.get("enum", [part.get("const")]), "or")
    types = part.get("type", "anything")
    if types == "array":
        return f"list of {_entries(part['items'])}" if _entries(part["items"]) else "list"
    types = types if isinstance(types, list) else [types]
    return " or ".join(WORDS.get(each, each) for each in types) + _range(part)


def _entries(items: dict) -> str:
    """Return what the entries of a list are; empty if they are blocks or lists."""
    if "enum" in items:
        return _one_of(items["enum"], ",")
    return MANY[items["type"]] + _range(items) if items.get("type") in MANY else ""


def _one_of(values: list, word: str) -> str:
    texts = [f"`{value}`" for value in values]
    return ", ".join(texts) if word == "," else f" {word} ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _range(part: dict) -> str:
    if "exclusiveMinimum" in part:
        low, high = part["exclusiveMinimum"], part.get("exclusiveMaximum")
        return f" above {low}" if high is None else f" between {low} and {high}"
    if "minimum" in part:
        return f", {part['minimum']} to {part['maximum']}" if "maximum" in part else f", at least {part['minimum']}"
    return ""


def default_of(key: str, part: dict) -> str:
    """Return in words what holds if a key of a block is missing."""
    own = resolved(part["properties"][key])
    if key in part.get("required", []):
        return NEEDED
    if "default" in own or "absent" in own:
        return _code(own["default"]) if "default" in own else own["absent"]
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for each, what, condition in _conditional(part, Condition()):
        if each == key:
            found[what, condition.others] = found.get((what, condition.others), ()) + condition.values
    texts = [
        " ".join(filter(None, [what, values and f"for {_one_of(list(values), ',')}", other]))
        for (what, other), values in found.items()
    ]
    return "; ".join(texts) or NOTHING


def _conditional(part: dict, condition: Condition) -> Iterator[tuple[str, str, Condition]]:
    """Yield keys that are needed, or have a default, under a condition: (key, "needed" or default, condition)."""
    for branch in (part, *part.get("allOf", [])):
        for word in ("then", "else") if "if" in branch else ():
            inner, within = branch.get(word, {}), _joined(condition, branch["if"], word == "then")
            yield from ((key, NEEDED, within) for key in inner.get("required", []))
            defaults = ((key, each) for key, each in inner.get("properties", {}).items() if "default" in each)
            yield from ((key, _code(each["default"]), within) for key, each in defaults)
            yield from _conditional(inner, within)


def _joined(condition: Condition, rule: dict, holds: bool) -> Condition:
    """Return a condition together with a further one: the `if` of a schema, or its contrary."""
    for values in rule.get("properties", {}).values():
        return condition._replace(values=tuple(values.get("enum", [values.get("const")])))
    negated = "not" in rule
    keys = (rule["not"] if negated else rule).get("required", [])
    words = [f"{'with' if holds != negated else 'without'} `{key}`" for key in keys]
    return condition._replace(others=" ".join(filter(None, [condition.others, *words])))


def _code(value) -> str:
    """Return a value as YAML on one line, in backticks."""
    text = yaml.safe_dump([value], default_flow_style=True, width=10**6, sort_keys=False).strip()
    return f"`{text[1:-1]}`"
