#!/usr/bin/env python
"""Calculate the result of a measurement from toys: the significance of an excess, or Feldman-Cousins intervals.

Reads the plan of the last round, its toys, model.npz and fit.json, writes discovery.json or feldman_cousins.json.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.measure_with_toys import measure_with_toys
from muscan.toys.plan import ToyFiles


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, ToyFiles)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    measure_with_toys(args.output, settings_of(args, ToyFiles))


if __name__ == "__main__":
    run(main)
