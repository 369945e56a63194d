#!/usr/bin/env python
"""Test values of mu.

Reads model.npz and fit.json, writes one record, or a list of records if several values of mu are tested. The record of
a test that fails states the reason.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.inference.calculators import CALCULATORS
from muscan.inference.signal_point import SignalFiles
from muscan.steps.hypotest import hypotest


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SignalFiles)
    parse.add_argument("--calculator", choices=CALCULATORS, default="asymptotics")
    parse.add_argument(
        "--mu", type=float, nargs="*", default=[], help="values of mu; default: those that fit.py has chosen"
    )
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    hypotest(args.output, settings_of(args, SignalFiles), args.calculator, args.mu)


if __name__ == "__main__":
    run(main)
