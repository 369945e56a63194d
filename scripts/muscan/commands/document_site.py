"""Write the pages of the documentation that are made from other files.

Copies the documents outside of docs/, describes the records of the results, and lists the modules of the library for
Sphinx, which fills their pages from the docstrings. `make docs` builds the site with these pages.
"""

import argparse
import os
import re
from functools import cache
from pathlib import Path

from muscan.base.code import SCRIPTS
from muscan.base.files import write_text
from muscan.commands import document_records

ROOT = SCRIPTS.parent
LIBRARY = SCRIPTS / "muscan"
# Pages that show documents from elsewhere; both are named from the root of the repository.
COPIES = {
    "config/README.md": "docs/reference/configuration.md",
    "config/examples/README.md": "docs/reference/examples.md",
    "CHANGELOG.md": "docs/reference/changelog.md",
    "CONTRIBUTING.md": "docs/reference/contributing.md",
}
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")  # to a file


@cache
def packages() -> dict[str, str]:
    """What each package of the library is about, in their order, from the table of docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## The packages of the library")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


def modules_of(package: str) -> list[str]:
    """Modules of a package, those of packages inside of it included, as they are imported."""
    files = sorted(LIBRARY.joinpath(package).rglob("*.py"))
    names = (file.relative_to(SCRIPTS).with_suffix("").parts for file in files if file.stem != "__init__")
    return [".".join(name) for name in names]


def package_page(package: str) -> str:
    """A page of the library reference, in reStructuredText, for Sphinx to fill from the docstrings."""
    title = f"muscan.{package}"
    text = packages()[package]
    parts = [f"{title}\n{'=' * len(title)}", f"{text[0].upper()}{text[1:]}."]
    for module in modules_of(package):
        parts.append(f"{module}\n{'-' * len(module)}\n\n.. automodule:: {module}")
    return "\n\n".join(parts) + "\n"


def library_index() -> str:
    """The first page of the library reference."""
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
    """A Markdown document whose relative links still lead to the same files from another folder."""
    return LINK.sub(lambda link: os.path.relpath(Path(old, link[1]), new), text)


def pages() -> dict[str, str]:
    """The generated pages by their files, named from the root of the repository."""
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
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--output", type=Path, required=True, help="folder that stands for the root of the repository")
    args = parse.parse_args(argv)
    for name, text in pages().items():
        path = args.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
