"""Write the generated pages of the documentation.

Copies documents from outside of docs/, writes the reference of the JSON results, and lists the modules of the library
for Sphinx, which documents them by their docstrings. `make docs` builds the site with these pages.
"""

import os
import re
from functools import cache
from pathlib import Path

from muscan.base.code import SCRIPTS
from muscan.base.files import write_text
from muscan.base.versions import ROOT
from muscan.commands import document_records
from muscan.commands.parser import command_parser

LIBRARY = SCRIPTS / "muscan"
# Documents outside of docs/ and the pages to which they are copied; paths relative to the root of the repository.
COPIES = {
    "config/README.md": "docs/reference/configuration.md",
    "config/examples/README.md": "docs/reference/examples.md",
    "CHANGELOG.md": "docs/reference/changelog.md",
    "CONTRIBUTING.md": "docs/reference/contributing.md",
    "CODE_OF_CONDUCT.md": "docs/reference/conduct.md",
}
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")  # a relative link to a file


@cache
def packages() -> dict[str, str]:
    """Return the descriptions of the packages of the library, in order, from the table in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## The packages of the library")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


def modules_of(package: str) -> list[str]:
    """Return the full names of the modules of a package and of its subpackages."""
    files = sorted(LIBRARY.joinpath(package).rglob("*.py"))
    names = (file.relative_to(SCRIPTS).with_suffix("").parts for file in files if file.stem != "__init__")
    return [".".join(name) for name in names]


def package_page(package: str) -> str:
    """Return the page of a package in the library reference, in reStructuredText; Sphinx inserts the docstrings."""
    title = f"muscan.{package}"
    text = packages()[package]
    parts = [f"{title}\n{'=' * len(title)}", f"{text[0].upper()}{text[1:]}."]
    for module in modules_of(package):
        parts.append(f"{module}\n{'-' * len(module)}\n\n.. automodule:: {module}")
    return "\n\n".join(parts) + "\n"


def library_index() -> str:
    """Return the first page of the library reference, in reStructuredText."""
    lines = "\n".join(
        f"* :doc:`muscan.{name} <{name}>`: {text.replace('`', '``')}" for name, text in packages().items()
    )
    tree = "\n".join(f"   {name}" for name in packages())
    return (
        "Library reference\n=================\n\n"
        "The library in ``scripts/muscan/``, package by package. A package imports only from those above it.\n\n"
        f"{lines}\n\n.. toctree::\n   :hidden:\n   :maxdepth: 1\n\n{tree}\n"
    )


def moved(text: str, old: str, new: str) -> str:
    """Return a Markdown document with relative links adapted to another folder.

    Args:
        text: the document.
        old: the folder of the document.
        new: the folder to which it is copied.
    """
    return LINK.sub(lambda link: os.path.relpath(Path(old, link[1]), new), text)


def pages() -> dict[str, str]:
    """Return the generated pages: {path relative to the root of the repository: text}."""
    copies = {
        page: moved((ROOT / file).read_text(encoding="utf-8"), os.path.dirname(file), os.path.dirname(page))
        for file, page in COPIES.items()
    }
    library = {name: package_page(name) for name in packages()} | {"index": library_index()}
    return {
        **copies,
        "docs/reference/records.md": document_records.page(),
        **{f"docs/reference/library/{name}.rst": text for name, text in library.items()},
    }


def main(argv: list[str] | None = None) -> None:
    parse = command_parser(__name__, __doc__)
    parse.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder in which the pages get their paths, instead of the root of the repository",
    )
    args = parse.parse_args(argv)
    for name, text in pages().items():
        path = args.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
