#!/usr/bin/env python
"""Throw and fit a part of the toys that a plan adds.

Reads the plan, model.npz and fit.json, writes the blocks of toys that do not exist yet, and a list of all blocks of
its part.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.throw_toys import throw_toys
from muscan.toys.plan import ToyFiles


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, ToyFiles)
    parse.add_argument("--part", type=int, default=0, help="number of the part of the toys that this job makes, from 0")
    parse.add_argument("--parts", type=int, default=1, help="number of parts")
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    throw_toys(args.output, settings_of(args, ToyFiles), args.part, args.parts)


if __name__ == "__main__":
    run(main)
