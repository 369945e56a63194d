"""Generate the reference of the configuration from its schema: tables of keys in Markdown."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from muscan.config.schema import resolve, schema_at

NEEDED, NOTHING = "needed", "–"
WORDS = {"object": "block", "string": "text", "boolean": "true or false", "array": "list"}
PLURALS = {"number": "numbers", "integer": "integers", "string": "names"}  # of types, for entries of lists
TABLE = re.compile(r"(<!-- keys of (?P<path>[^\n]*) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
WHOLE = "a configuration"  # instead of a path


class Row(NamedTuple):
    """A row of a table: the texts that describe one key of a block."""

    key: str
    type: str
    default: str
    meaning: str


class Condition(NamedTuple):
    """A condition on the other keys of a block, which is described as, for example, "for `a`, `b` without `c`"."""

    values: tuple[str, ...] = ()  # of the key that gives the kind of the block
    others: str = ""  # the keys that must be present or missing


def update_tables(text: str) -> str:
    """Return a Markdown text in which the tables of keys are replaced by new ones.

    A table is enclosed by `<!-- keys of PATH -->` and `<!-- end of keys -->`, with a path such as `scan.toys` or
    `models.<name>`, or "a configuration". The keys of an inner block are in the same table, unless the inner block has
    its own table.
    """
    paths = {match["path"] for match in TABLE.finditer(text)}
    return TABLE.sub(lambda match: f"{match[1]}{table(match['path'], paths)}{match[3]}", text)


def table(path: str, others: set[str]) -> str:
    """Return the table of the keys of a block, in Markdown.

    Args:
        path: the path of the block.
        others: paths of blocks that have their own tables.
    """
    start = "" if path == WHOLE else path
    lines = [f"| {' | '.join(row)} |\n" for row in rows(schema_at(start), start, others)]
    return "".join(["| key | type | default | meaning |\n", "|---|---|---|---|\n", *lines])


def rows(part: dict, place: str, others: set[str], prefix: str = "") -> Iterator[Row]:
    """Yield the rows for the keys of a block and of its inner blocks.

    Args:
        part: the schema of the block.
        place: the path of the block.
        others: paths of blocks that have their own tables.
        prefix: the text in front of the keys.
    """
    part = resolve(part)
    inherited = part.get("inherited", {})
    shared = inherited.get("properties", {})
    for key, each in part.get("properties", {}).items():
        if key not in shared:
            yield Row(f"`{prefix}{key}`", type_of(each), default_of(key, part), resolve(each)["description"])
            yield from _below(each, f"{place}.{key}".lstrip("."), others, f"{prefix}{key}")
    if shared:
        keys = ", ".join(f"`{key}`" for key in shared)
        yield Row(keys, "as under `scan`", "those of `scan`", inherited["description"])
    if isinstance(part.get("additionalProperties"), dict):
        each, key = part["additionalProperties"], f"<{part['propertyNames']['title']}>"
        if f"{place}.{key}" not in others:
            needed = part.get("minProperties") and not part.get("properties")
            default = resolve(each).get("absent", NEEDED if needed else NOTHING)
            yield Row(f"`{prefix}{key}`", type_of(each), default, resolve(each)["description"])
            yield from _below(each, f"{place}.{key}", others, f"{prefix}{key}")


def _below(part: dict, place: str, others: set[str], prefix: str) -> Iterator[Row]:
    """Yield the rows for the keys of a value, or of the entries of a list."""
    part = resolve(part)
    if place not in others:
        yield from rows(part, place, others, f"{prefix}.")
    if "properties" in resolve(part.get("items", {})) and f"{place}[]" not in others:
        yield from rows(part["items"], f"{place}[]", others, f"{prefix}[].")


def type_of(part: dict) -> str:
    """Describe the type of a value, such as "integer, at least 1"."""
    part = resolve(part)
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
    """Describe the entries of a list; "" if they are blocks or lists."""
    if "enum" in items:
        return _one_of(items["enum"], ",")
    return PLURALS[items["type"]] + _range(items) if items.get("type") in PLURALS else ""


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
    """Describe the default of a key of a block, or say that the key is needed."""
    own = resolve(part["properties"][key])
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
    """Yield keys that are needed or have a default under a condition: (key, "needed" or default, condition)."""
    for branch in (part, *part.get("allOf", [])):
        for word in ("then", "else") if "if" in branch else ():
            inner, within = branch.get(word, {}), _joined(condition, branch["if"], word == "then")
            yield from ((key, NEEDED, within) for key in inner.get("required", []))
            defaults = ((key, each) for key, each in inner.get("properties", {}).items() if "default" in each)
            yield from ((key, _code(each["default"]), within) for key, each in defaults)
            yield from _conditional(inner, within)


def _joined(condition: Condition, rule: dict, holds: bool) -> Condition:
    """Return a condition combined with the `if` of a schema, or with the negation of this `if`."""
    for values in rule.get("properties", {}).values():
        return condition._replace(values=tuple(values.get("enum", [values.get("const")])))
    negated = "not" in rule
    keys = (rule["not"] if negated else rule).get("required", [])
    words = [f"{'with' if holds != negated else 'without'} `{key}`" for key in keys]
    return condition._replace(others=" ".join(filter(None, [condition.others, *words])))


def _code(value: object) -> str:
    """Return a value as YAML on one line, in backticks."""
    text = yaml.safe_dump([value], default_flow_style=True, width=10**6, sort_keys=False).strip()
    return f"`{text[1:-1]}`"
