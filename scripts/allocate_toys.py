#!/usr/bin/env python
"""Plan more toys where they reduce the uncertainties of the limits most, until the target of the plan is reached.

Reads a plan and its toys, model.npz and fit.json, writes the plan of the next round.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.allocate_toys import allocate_any_toys
from muscan.toys.plan import ToyFiles


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, ToyFiles)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    allocate_any_toys(args.output, settings_of(args, ToyFiles))


if __name__ == "__main__":
    run(main)
