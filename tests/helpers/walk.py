#!/usr/bin/env python3
"""Walk through the documents as a new user does.

Clones the repository into a temporary folder and runs, in an empty environment, every command that stands in a block of
bash of the documents, in order, as it stands there. Stops at the first that fails. Needs only Python.

What a document must keep to:
- A block of a file follows a line that ends with the file's name, `mine.yaml`: and a colon. The file is written; if it
  is already there, because a command has made it, the block must be what it holds.
- A block of text is output of the last command: each of its lines must be there.
- In the documents of NUMBERS each number with a decimal point, outside of files and commands, must be the rounding of
  one in a results/limits.csv that was made before it.
- A command that cannot be run here stands in NOT_RUN, with the reason.
- Links and pictures lead somewhere.
"""

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
# What `reproduce` makes again is the last scan of the page before it, a short one.
HOW_TO = (
    "own-data",
    "reproduce",
    "check-a-model",
    "published-likelihoods",
    "storage",
    "toys",
    "blind",
    "grids",
    "cluster",
    "environments",
)
DOCUMENTS = (
    "README.md",
    "docs/tutorial.md",
    *(f"docs/howto/{name}.md" for name in HOW_TO),
    "docs/results.md",
    "docs/architecture.md",
    "CONTRIBUTING.md",
    "CODE_OF_CONDUCT.md",
    "config/README.md",
    "config/examples/README.md",
)
NUMBERS = ("docs/tutorial.md",)
NOT_RUN = {
    "make test PYTEST_ARGS=tests/base": "continuous integration runs all tests beside the walk",
    "make init FROM=BkgOnly.json PATCHSET=patchset.json": "its files are an example; tests/commands has real ones",
    "make scan CONFIG=BkgOnly.yaml": "its files are an example",
    "snakemake --workflow-profile profiles/slurm --configfile mine.yaml": "needs a cluster; tests/cluster has one",
    "make reproduce MANIFEST=theirs/manifest.json": "its files are an example",
}
SECONDS = 1200  # that a command may take
GIVEN = {"3.11", "0.05"}  # numbers that are no results: a version of Python, CLs at a limit
NUMBER_OF_JSON = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?(?![\w.]*\w)")


class Block(NamedTuple):
    """A fenced block of a document."""

    language: str
    file: str | None  # that it is, if the line before says so
    text: str


class Problem(Exception):
    """What is wrong in a document, or with it."""


def parts(document: str) -> Iterator[str | Block]:
    """The lines of prose and the blocks of a document, in order."""
    lines = iter(document.splitlines())
    last = ""
    for line in lines:
        if line.startswith("```"):
            block = []
            for inner in lines:
                if inner.startswith("```"):
                    break
                block.append(inner)
            found = re.search(r"`([\w./-]+\.(?:csv|yaml))`:$", last.rstrip())
            yield Block(line[3:].strip(), found and found[1], "\n".join(block) + "\n")
            last = ""
        else:
            yield line
            last = line if line.strip() else last


def commands(block: str) -> list[str]:
    """The commands of a block, without comments; lines that end with a backslash go on."""
    lines = re.sub(r"\\\n\s*", "", block).splitlines()
    plain = (re.sub(r"(^|\s+)#\s.*$", "", line).strip() for line in lines)
    return [line for line in plain if line]


def unknown_links(path: Path) -> Iterator[str]:
    """Relative links and pictures of a document that lead nowhere."""
    text = path.read_text(encoding="utf-8")
    prose = "\n".join(part for part in parts(text) if isinstance(part, str))
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            yield target


def anchors(path: Path) -> set[str]:
    """Names of the headings of a document in links."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rounds_to(value: str, quoted: str) -> bool:
    """Whether a number rounds to another one that has fewer digits."""
    try:
        exact, short = Decimal(value), Decimal(quoted)
    except InvalidOperation:
        return False
    half = Decimal(1).scaleb(short.as_tuple().exponent) / 2
    return exact.is_finite() and abs(exact - short) <= half


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


class Walk:
    """A new user in a clone."""

    def __init__(self, clone: Path, state: Path):
        self.clone, self.state = clone, state
        self.output = ""
        self.results: set[str] = set()
        self.met: set[str] = set()
        outside = [
            path for path in os.environ["PATH"].split(os.pathsep) if path != f"{os.environ.get('VIRTUAL_ENV')}/bin"
        ]
        self.environment = {"HOME": os.environ.get("HOME", "/"), "PATH": os.pathsep.join(outside)}

    def document(self, name: str) -> None:
        """Do what a document says.

        Raises:
            Problem: naming what does not work.
        """
        path = self.clone / name
        self.output = ""
        self.state.unlink(missing_ok=True)
        broken = list(unknown_links(path))
        if broken:
            raise Problem(f"links that lead nowhere: {', '.join(broken)}")
        for part in parts(path.read_text(encoding="utf-8")):
            if isinstance(part, str):
                self.numbers(name, re.sub(r"\]\([^)]*\)|`[^`]*`", "", part))
            elif part.language == "bash":
                for command in commands(part.text):
                    self.command(command)
            elif part.file:
                self.file(part)
            elif part.language == "text":
                self.shown(part.text)
                self.numbers(name, part.text)

    def command(self, command: str) -> None:
        """Run a command in the shell in which those before it ran."""
        if command in NOT_RUN:
            self.met.add(command)
            print(f"     –  {command}    (not run: {NOT_RUN[command]})", flush=True)
            return
        script = 'test ! -f "$WALK" || source "$WALK"; eval "$1"; code=$?; export -p > "$WALK"; exit $code'
        began = time.monotonic()
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
            try:
                code = subprocess.run(
                    ["bash", "-c", script, "bash", command],
                    cwd=self.clone,
                    env={**self.environment, "WALK": str(self.state)},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    timeout=SECONDS,
                ).returncode
            except subprocess.TimeoutExpired:
                code = f"none after {SECONDS} s"
            log.seek(0)
            self.output = log.read()
        print(f"{time.monotonic() - began:5.0f} s  {command}", flush=True)
        if code:
            raise Problem(f"{command}: exit code {code}\n{self.output[-5000:]}")
        self.collect()

    def collect(self) -> None:
        """Keep the numbers of the table of limits, and of intervals and rankings."""
        table = self.clone / "results" / "limits.csv"
        if table.exists():
            with table.open(newline="", encoding="utf-8") as file:
                self.results |= {cell for row in csv.DictReader(file) for cell in row.values() if cell}
        for name in ("intervals", "ranking"):
            for path in (self.clone / "results").glob(f"*/*/{name}.json"):
                self.results |= set(NUMBER_OF_JSON.findall(path.read_text(encoding="utf-8")))

    def file(self, block: Block) -> None:
        """Write a file, or look whether it is what the document says."""
        path = self.clone / block.file
        if not path.exists():
            path.write_text(block.text, encoding="utf-8")
            print(f"        {block.file} written", flush=True)
        elif path.read_text(encoding="utf-8") != block.text:
            raise Problem(f"{block.file} is not what the document shows, but:\n{path.read_text(encoding='utf-8')}")

    def shown(self, text: str) -> None:
        """Look whether the lines of a block are in the output of the last command."""
        for line in filter(None, map(squeezed, text.splitlines())):
            if line not in squeezed(self.output):
                raise Problem(f"the last command does not print {line!r}, but:\n{self.output[-3000:]}")

    def numbers(self, name: str, text: str) -> None:
        """Look whether numbers in the prose are results."""
        if name not in NUMBERS:
            return
        for quoted in NUMBER.findall(text):
            if quoted not in GIVEN and not any(rounds_to(value, quoted) for value in self.results):
                raise Problem(f"no result so far has the number {quoted}: {text.strip()!r}")


def fresh(clone: Path) -> None:
    """A clone, or a copy without results and environment where this is no repository."""
    command = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)]
    if not (ROOT / ".git").exists() or subprocess.run(command).returncode:
        made = (".venv*", "results", "logs", "benchmarks", ".snakemake", "__pycache__")
        shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(*made))


def main() -> int:
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--documents", nargs="+", default=DOCUMENTS, help="only these")
    args = parse.parse_args()
    with tempfile.TemporaryDirectory(prefix="muscan-walk-") as folder:
        clone = Path(folder, "muscan")
        fresh(clone)
        walk = Walk(clone, Path(folder, "environment"))
        began = time.monotonic()
        for name in args.documents:
            print(name, flush=True)
            try:
                walk.document(name)
            except Problem as problem:
                print(f"{name}: {problem}", file=sys.stderr)
                return 1
        unused = set(NOT_RUN) - walk.met
        if unused and tuple(args.documents) == DOCUMENTS:
            print(f"NOT_RUN has commands that no document has: {'; '.join(unused)}", file=sys.stderr)
            return 1
        print(f"The documents hold, after {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
