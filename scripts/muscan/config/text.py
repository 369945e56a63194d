"""Check the YAML of configuration files before Snakemake reads them.

Snakemake does not report the line of an error in YAML, silently uses the last of two equal keys, and expands aliases
without a limit. Errors of this check give the line and the column.
"""

from collections.abc import Iterator

import yaml

from muscan.base.errors import InputError
from muscan.base.json_input import require_regular_file

# Largest size of a file in bytes, number of nodes, level of nesting, and number of digits of an integer.
MOST_BYTES, MOST_NODES, DEEPEST, LONGEST_NUMBER = 10_000_000, 1_000_000, 50, 400
PLAIN = "tag:yaml.org,2002:"  # prefix of the tags of plain values
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_file(path: str) -> None:
    """Check that a file is a mapping in YAML or JSON, that no key occurs twice, and that its size is reasonable.

    Raises:
        InputError: if there are problems; lists all of them with their lines.
    """
    problems = list(_problems(_composed(path)))
    if problems:
        raise InputError("\n".join(f"{path}, {problem}" for problem in problems))


def _composed(path: str) -> yaml.Node:
    """Return the root of the YAML nodes of a file, without constructing values."""
    require_regular_file(path)
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: has more than {MOST_BYTES / 1e6:g} MB, too large for a configuration")
    try:
        text = content.decode("utf-8-sig")
        _check_depth(text)  # the composer is recursive
        root = yaml.compose(text, Loader=LOADER)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not text in UTF-8; save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        where, words = _where(error.problem_mark or error.context_mark), filter(None, [error.context, error.problem])
        hint = "; YAML does not allow tabs for indentation" if b"\t" in content else ""
        raise InputError(f"{path}, {where}: not YAML: {', '.join(words)}{hint}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path}: needs blocks of keys at the top level, `datasets:` and `analyses:` among them")
    return root


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEEPEST} levels", problem_mark=event.start_mark)


def _where(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"


def _problems(root: yaml.Node) -> Iterator[str]:
    """Yield problems of keys, tags that construct objects, aliases that expand too far, and too long numbers."""
    sizes: dict[int, float] = {}
    for node, size in _with_sizes(root, sizes):
        if size > MOST_NODES:
            yield f"{_where(node.start_mark)}: aliases (*name) that expand to too many values, or without end"
            return
        if not (node.tag or PLAIN).startswith(PLAIN) or "python" in node.tag:
            tag = node.tag.replace(PLAIN, "!!")
            yield f"{_where(node.start_mark)}: the tag {tag} is not allowed; only plain values are read"
        if isinstance(node, yaml.MappingNode):
            yield from _wrong_keys(node)
        if node.tag == f"{PLAIN}int" and len(node.value) > LONGEST_NUMBER:
            yield f"{_where(node.start_mark)}: a number of {len(node.value)} digits"


def _wrong_keys(node: yaml.MappingNode) -> Iterator[str]:
    """Yield keys that are not single values or occur twice, and merges (<<) of single values."""
    lines: dict[str, yaml.Mark] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield f"{_where(key.start_mark)}: a list or block cannot be a key; put it in quotes if it is text"
            continue
        if key.tag == f"{PLAIN}merge" and isinstance(value, yaml.ScalarNode):
            yield f"{_where(value.start_mark)}: << needs a block of keys, such as *name"
        first = lines.setdefault(key.value, key.start_mark)
        if first is not key.start_mark:
            yield f"{_where(key.start_mark)}: the key {key.value!r} occurs twice, first in line {first.line + 1}"


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _with_sizes(root: yaml.Node, sizes: dict[int, float]) -> Iterator[tuple[yaml.Node, float]]:
    """Yield each node, after the nodes in it, with the number of nodes to which it expands.

    The number is infinite for a node that contains itself.
    """
    stack = [(root, iter(_children(root)))]
    sizes[id(root)] = float("inf")  # until it is known
    while stack:
        node, children = stack[-1]
        child = next((each for each in children if id(each) not in sizes), None)
        if child is not None:
            sizes[id(child)] = float("inf")
            stack.append((child, iter(_children(child))))
            continue
        sizes[id(node)] = 1 + sum(sizes.get(id(each), float("inf")) for each in _children(node))
        stack.pop()
        yield node, sizes[id(node)]
