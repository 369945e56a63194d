"""Generate the reference of JSON results from the source code of the records: one table of keys per kind of file."""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from muscan.base.code import SCRIPTS

RECORDS = SCRIPTS / "muscan" / "records"
# The files and keys in which each record occurs.
PLACES = {
    "FitResult": "The file `results/{analysis}/{signal}/fit.json`.",
    "Parameters": "`parameters` in fit.json.",
    "ChannelYields": "An entry of `yields` in fit.json.",
    "Hypotest": "The files `results/{analysis}/{signal}/asymptotics/hypotest/mu_{mu}.json`.",
    "Limits": "The files `results/{analysis}/{signal}/{calculator}/limits.json`.",
    "Discovery": "The files `results/{analysis}/{signal}/{calculator}/discovery.json`.",
    "ToyPlan": "The files `results/{analysis}/{signal}/toybased/plan_{round}.json`.",
    "ToyPoint": "An entry of `points` in plan_{round}.json of limits.",
    "Intervals": "The file `results/{analysis}/{signal}/intervals.json`.",
    "Interval": "An entry of `intervals` in intervals.json, and of `regions` in likelihood_scans.json.",
    "FeldmanCousins": "The file `results/{analysis}/{signal}/feldman_cousins.json`.",
    "LikelihoodScans": "The file `results/{analysis}/{signal}/likelihood_scans.json`.",
    "LikelihoodScan": "An entry of `scans` in likelihood_scans.json.",
    "Ranking": "The file `results/{analysis}/{signal}/ranking.json`.",
    "Impact": "An entry of `parameters` in ranking.json, and a row of `ranking.csv`.",
    "Share": "An entry of `shares` in ranking.json.",
    "MeasurementPlan": "The files `plan_{round}.json` in the folders `toybased/discovery` and `feldman_cousins`.",
    "ToySample": "An entry of `samples` in plan_{round}.json of a measurement.",
    "Manifest": "The file `results/manifest.json`.",
}


class RecordField(NamedTuple):
    """A field of a class."""

    name: str
    type: str
    comment: str  # the comment behind the field, or in the lines above it


class ClassDocumentation(NamedTuple):
    """The documentation of a class in its source code."""

    docstring: str
    fields: list[RecordField]


@cache
def classes(file: Path) -> dict[str, ClassDocumentation]:
    """Return the docstrings and annotated fields of all classes of a module, by the names of the classes."""
    text = file.read_text(encoding="utf-8")
    comments = _comments(text)
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and "ClassVar" not in _type(each)]
            described = [RecordField(each.target.id, _type(each), _comment(each, comments)) for each in fields]
            found[node.name] = ClassDocumentation(ast.get_docstring(node) or "", described)
    return found


def field_comments(file: Path) -> dict[str, dict[str, str]]:
    """Return the comments on the fields of the classes of a module: {class: {field: comment}}."""
    return {name: {each.name: each.comment for each in source.fields} for name, source in classes(file).items()}


def _type(field: ast.AnnAssign) -> str:
    return ast.unparse(field.annotation)


class Comment(NamedTuple):
    """A comment in source code."""

    text: str
    alone: bool  # whether there is no code on its line


def _comments(text: str) -> dict[int, Comment]:
    """Return the comments of a module by their line numbers."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = (token for token in tokens if token.type == tokenize.COMMENT)
    return {each.start[0]: Comment(each.string.lstrip("# "), not each.line[: each.start[1]].strip()) for each in found}


def _comment(field: ast.AnnAssign, comments: dict[int, Comment]) -> str:
    """Return the comment behind a field, or else the comment lines directly above it."""
    behind = comments.get(field.end_lineno)
    if behind:
        return behind.text
    return " ".join(reversed(list(_above(field.lineno - 1, comments))))


def _above(line: int, comments: dict[int, Comment]) -> Iterator[str]:
    while (comment := comments.get(line)) and comment.alone:
        yield comment.text
        line -= 1


def records() -> dict[str, ClassDocumentation]:
    """Return the classes of all records of results, by name."""
    return {name: source for file in sorted(RECORDS.glob("*.py")) for name, source in classes(file).items()}


INTRODUCTION = """# JSON results

The keys of the results that are JSON files. [Results](../results.md) lists all files and the columns of tables. `{...}`
stands for a name, and `{calculator}` is `asymptotics` or `toybased`. The types are those of Python. A number that does
not exist is `null` in the file, which the types call `None`."""


def page() -> str:
    """Return the reference in Markdown."""
    known = records()
    parts = [INTRODUCTION]
    for name, place in PLACES.items():
        parts += [f"## `{name}`", place, known[name].docstring, table(known[name].fields)]
    return "\n\n".join(parts) + "\n"


def table(fields: list[RecordField]) -> str:
    """Return the table of the keys of a record in Markdown."""
    rows = [("key", "type", "meaning"), ("---",) * 3]
    rows += [(f"`{each.name}`", f"`{each.type}`", each.comment) for each in fields]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
