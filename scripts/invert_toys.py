#!/usr/bin/env python
"""Compute upper limits from toys, with their statistical errors.

Reads the plan of the last round and its toys, model.npz and fit.json, writes limits.json.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.invert_toys import invert_toys
from muscan.toys.plan import ToyFiles


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, ToyFiles)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    invert_toys(args.output, settings_of(args, ToyFiles))


if __name__ == "__main__":
    run(main)
