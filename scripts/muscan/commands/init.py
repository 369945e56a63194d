"""Write a first configuration for histograms or a workspace.

Reads a CSV or ROOT file of histograms, or a pyhf workspace with or without signal patches; writes a configuration that
runs as it is, with comments that say what was found and what could be changed.
"""

import argparse
import os
import re
from pathlib import Path
from shlex import quote

from muscan.base.errors import InputError
from muscan.commands.commented_yaml import said, to_yaml
from muscan.commands.found import Found
from muscan.commands.found_in_histograms import from_csv, from_root
from muscan.commands.found_in_workspace import from_workspace
from muscan.config.check import check
from muscan.config.problems import ConfigError
from muscan.config.signals import check_input

RESERVED = ("datasets", "grids", "plots", "limits", "manifest", "toybased")


def block_name(file: str) -> str:
    """Return a name for the data set and the analysis of a file."""
    stem = re.sub(r"(\.json|\.csv|\.root|\.gz)+$", "", Path(file).name, flags=re.IGNORECASE)
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).strip("._+-")[:60]
    return f"my-{name}" if name.lower().split(".")[0] in RESERVED else name or "mine"


def found_in(file: str, patchset: str | None, patches: str | None) -> Found:
    """Return a configuration for a file of any kind.

    Raises:
        InputError: if it cannot be read.
    """
    for path in (file, patchset):
        if path is not None:
            check_input(path)
    kind = Path(file).suffix.lower()
    if kind in (".csv", ".root") and (patchset or patches):
        raise InputError(f"{file}: patches belong to a workspace, not to histograms")
    if patchset and patches:
        raise InputError("PATCHSET and PATCHES exclude one another; remove one")
    if kind in (".csv", ".root"):
        return {".csv": from_csv, ".root": from_root}[kind](block_name(file), file)
    return from_workspace(block_name(file), file, patchset, patches)


def written(found: Found, file: str, output: str) -> str:
    """Return the configuration as text.

    Raises:
        InputError: if it would not be accepted.
    """
    try:
        check(found.config)
    except ConfigError as error:
        raise InputError(str(error)) from error
    head = [
        f"# {said(output, 200)}: limits from {said(file, 200)}, as make init understood it.",
        "# config/README.md explains every key. Lines that begin with # are comments; remove the # to use one.",
    ]
    return "\n".join(head) + "\n" + to_yaml(found.config, found.comments)


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--from", dest="file", required=True, help="histograms (CSV, ROOT) or pyhf workspace (JSON)")
    signals = parse.add_mutually_exclusive_group()
    signals.add_argument("--patchset", help="patch set of a background-only workspace")
    signals.add_argument("--patches", help="folder or pattern of loose patches")
    parse.add_argument("--output", help="the configuration; default: named after the file, in this folder")
    args = parse.parse_args(argv)
    output = args.output or f"{block_name(args.file)}.yaml"
    if os.path.lexists(output):
        raise InputError(f"{output} is already there; give the configuration another name: OUT=other.yaml")
    folder = os.path.dirname(output)
    if folder and not os.path.isdir(folder):
        raise InputError(f"there is no folder {folder!r} for {output}; make it first")
    found = found_in(args.file, args.patchset, args.patches)
    text = written(found, args.file, output)
    with open(output, "x", encoding="utf-8") as file:
        file.write(text)
    print(f"{output} written:", *found.summary, sep="\n  ")
    config = quote(output)
    print(f"Next: make check CONFIG={config}, then make scan CONFIG={config}")
