"""Draft a configuration for histograms or a workspace.

Reads a CSV or ROOT file of histograms, or a pyhf workspace with or without signal patches. Writes a configuration that
can be run unchanged, with comments on what was found in the file and what could be changed.
"""

import os
import re
from pathlib import Path
from shlex import quote

from muscan.base.errors import InputError
from muscan.commands.commented_yaml import printable_name, to_yaml
from muscan.commands.draft import Draft
from muscan.commands.draft_from_histograms import from_csv, from_root
from muscan.commands.draft_from_workspace import from_workspace
from muscan.commands.parser import command_parser
from muscan.config.check import check
from muscan.config.problems import ConfigError
from muscan.config.signals import check_input

# Names of files and folders in results/ that an analysis cannot have.
RESERVED = ("datasets", "grids", "plots", "limits", "manifest", "toybased")


def block_name(file: str) -> str:
    """Return a name for the data set and the analysis, made from the name of a file."""
    stem = re.sub(r"(\.json|\.csv|\.root|\.gz)+$", "", Path(file).name, flags=re.IGNORECASE)
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).strip("._+-")[:60]
    return f"my-{name}" if name.lower().split(".")[0] in RESERVED else name or "mine"


def draft_of(file: str, patchset: str | None, patches: str | None) -> Draft:
    """Return the draft of a configuration for a CSV, ROOT or JSON file.

    Args:
        file: histograms or a workspace.
        patchset: the patch set of a workspace, if there is one.
        patches: a folder or pattern of loose patches of a workspace, if there are any.

    Raises:
        InputError: if a file cannot be used.
    """
    for path in (file, patchset):
        if path is not None:
            check_input(path)
    kind = Path(file).suffix.lower()
    if kind in (".csv", ".root") and (patchset or patches):
        raise InputError(f"{file}: patches belong to a workspace, not to histograms")
    if patchset and patches:
        raise InputError("PATCHSET and PATCHES exclude each other; remove one")
    if kind in (".csv", ".root"):
        return {".csv": from_csv, ".root": from_root}[kind](block_name(file), file)
    return from_workspace(block_name(file), file, patchset, patches)


def render(draft: Draft, file: str, output: str) -> str:
    """Return a draft as YAML.

    Args:
        draft: the draft.
        file: the file for which it was made.
        output: the file to which it will be written.

    Raises:
        InputError: if the check of configurations does not accept it.
    """
    try:
        check(draft.config)
    except ConfigError as error:
        raise InputError(str(error)) from error
    head = [
        f"# {printable_name(output, 200)}: limits from {printable_name(file, 200)}, drafted by make init.",
        "# config/README.md explains every key. Remove the # in front of a setting to use it.",
    ]
    return "\n".join(head) + "\n" + to_yaml(draft.config, draft.comments)


def main(argv: list[str] | None = None) -> None:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--from", dest="file", required=True, help="histograms (CSV, ROOT) or pyhf workspace (JSON)")
    signals = parse.add_mutually_exclusive_group()
    signals.add_argument("--patchset", help="patch set of a background-only workspace")
    signals.add_argument("--patches", help="folder or pattern of loose patches")
    parse.add_argument(
        "--output", help="the configuration to write; default: named after the file, in the current folder"
    )
    args = parse.parse_args(argv)
    output = args.output or f"{block_name(args.file)}.yaml"
    if os.path.lexists(output):
        raise InputError(f"{output} already exists; choose another name: OUT=other.yaml")
    folder = os.path.dirname(output)
    if folder and not os.path.isdir(folder):
        raise InputError(f"there is no folder {folder!r} for {output}; create it first")
    draft = draft_of(args.file, args.patchset, args.patches)
    text = render(draft, args.file, output)
    try:
        with open(output, "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"muscan cannot write here: {output}: {error.strerror}") from error
    print(f"{output} written:", *draft.summary, sep="\n  ")
    config = quote(output)
    print(f"Next: make check CONFIG={config}, then make scan CONFIG={config}")
