#!/usr/bin/env python
"""Compile a workspace into the arrays that the fits use.

Reads workspace.json, writes model.npz.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.compile_model import CompileSettings, compile_model


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--workspace", required=True, help="pyhf workspace")
    add_options(parse, CompileSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    compile_model(args.output, args.workspace, settings_of(args, CompileSettings))


if __name__ == "__main__":
    run(main)
