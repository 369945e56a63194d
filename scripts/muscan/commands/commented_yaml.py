"""Write YAML with comments, in which any text is read back as it was."""

from math import inf

import yaml

Path = tuple[str | int, ...]
END = "\n"  # in a path: behind the last entry of a block; no key is a single line break

LONGEST = 90  # characters of a block on one line


def to_yaml(config: dict, comments: dict[Path, list[str]]) -> str:
    """Return a configuration with comments.

    Args:
        config: blocks of text, numbers, lists and further blocks.
        comments: lines to stand before an entry, by its path of keys and indices; (..., END) is behind all entries of
            a block. They must be safe themselves, see `said` and `flow`.
    """
    return "".join(f"{line}\n" for line in _block(config, comments, ()))


def flow(value) -> str:
    """Return a value as YAML on one line."""
    text = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, width=inf, allow_unicode=True, sort_keys=False)
    return text.strip()[1:-1]


def said(name: str, most: int = 60) -> str:
    """Return a name for a comment: on one line, whatever is in it, and not too long."""
    text = name if name.isprintable() else ascii(name)
    return text if len(text) <= most else f"{text[: most - 3]}..."


class _Dumper(yaml.SafeDumper):
    """Line breaks and other characters that cannot be seen are escaped."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)
_Dumper.ignore_aliases = lambda *_: True


def _block(value: dict | list, comments: dict[Path, list[str]], path: Path):
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        here = (*path, key)
        margin = "  " * len(path)
        if len(path) == 0:
            yield ""
        yield from (f"{margin}# {line}".rstrip() for line in comments.get(here, []))
        start = margin + (_key(key, margin) if isinstance(value, dict) else "-")
        if _opens(each, here, comments):
            yield start
            yield from _block(each, comments, here)
        elif each == [] and (*here, END) in comments:
            yield f"{start} []    # to use one of these, remove the [] too"
            yield from (f"{margin}  # {line}" for line in comments[*here, END])
        else:
            yield f"{start} {flow(each)}"
    yield from (f"{'  ' * len(path)}# {line}" for line in comments.get((*path, END), []))


def _opens(value, path: Path, comments: dict[Path, list[str]]) -> bool:
    """Whether a value needs lines of its own."""
    if not isinstance(value, dict | list) or not value:
        return False
    if any(len(other) > len(path) and other[: len(path)] == path for other in comments):
        return True
    lines_of_list = isinstance(value, list) and all(isinstance(each, dict) for each in value)
    return len(path) == 1 or lines_of_list or (isinstance(value, dict) and len(flow(value)) > LONGEST)


def _key(key: str, margin: str) -> str:
    """A key and its colon, which YAML wants in the next line if the key is very long."""
    return f"{flow(key)}:" if len(flow(key)) < 1000 else f"? {flow(key)}\n{margin}:"
