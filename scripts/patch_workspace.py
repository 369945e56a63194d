#!/usr/bin/env python
"""Make the workspace of one signal from a published one.

Reads a pyhf workspace and, if there are any, a patch set or a patch; writes workspace.json.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.patch_workspace import PatchSettings, Published, patch_workspace


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, Published, PatchSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    patch_workspace(args.output, settings_of(args, Published), settings_of(args, PatchSettings))


if __name__ == "__main__":
    run(main)
