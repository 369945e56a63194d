"""Write YAML with comments; any value is read back unchanged."""

from collections.abc import Iterator
from math import inf

import yaml

Path = tuple[str | int, ...]
END = "\n"  # in a path: the place behind the last entry of a block; no key is a single line break
LONGEST = 90  # largest number of characters of a block that is written on one line


def to_yaml(config: dict, comments: dict[Path, list[str]]) -> str:
    """Return a configuration with comments.

    Args:
        config: nested dicts and lists of texts and numbers.
        comments: the lines in front of an entry, by its path of keys and indices; (..., END) is behind all entries of a
            block. The lines must be printable, see `printable_name` and `inline_yaml`.
    """
    return "".join(f"{line}\n" for line in _block(config, comments, ()))


def inline_yaml(value: object) -> str:
    """Return a value as YAML on one line."""
    text = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, width=inf, allow_unicode=True, sort_keys=False)
    return text.strip()[1:-1]


def printable_name(name: str, most: int = 60) -> str:
    """Return a name for use in a comment: characters that are not printable are escaped, and long names are cut."""
    text = name if name.isprintable() else ascii(name)
    return text if len(text) <= most else f"{text[: most - 3]}..."


class _Dumper(yaml.SafeDumper):
    """Write YAML in which line breaks and other characters that are not printable are escaped."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)
_Dumper.ignore_aliases = lambda *_: True


def _block(value: dict | list, comments: dict[Path, list[str]], path: Path) -> Iterator[str]:
    """Yield the lines of a block."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        here = (*path, key)
        margin = "  " * len(path)
        if len(path) == 0:
            yield ""
        yield from (f"{margin}# {line}".rstrip() for line in comments.get(here, []))
        start = margin + (_key(key, margin) if isinstance(value, dict) else "-")
        if _needs_lines(each, here, comments):
            yield start
            yield from _block(each, comments, here)
        elif each == [] and (*here, END) in comments:
            yield f"{start} []    # to use one of these, remove the [] too"
            yield from (f"{margin}  # {line}" for line in comments[*here, END])
        else:
            yield f"{start} {inline_yaml(each)}"
    yield from (f"{'  ' * len(path)}# {line}" for line in comments.get((*path, END), []))


def _needs_lines(value: object, path: Path, comments: dict[Path, list[str]]) -> bool:
    """Return whether a value is written on lines of its own instead of behind its key."""
    if not isinstance(value, dict | list) or not value:
        return False
    if any(len(other) > len(path) and other[: len(path)] == path for other in comments):
        return True
    lines_of_list = isinstance(value, list) and all(isinstance(each, dict) for each in value)
    return len(path) == 1 or lines_of_list or (isinstance(value, dict) and len(inline_yaml(value)) > LONGEST)


def _key(key: str, margin: str) -> str:
    """Return a key and its colon; YAML requires the colon on the next line if the key is very long."""
    return f"{inline_yaml(key)}:" if len(inline_yaml(key)) < 1000 else f"? {inline_yaml(key)}\n{margin}:"
