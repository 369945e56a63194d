#!/usr/bin/env python
"""Draw templates and pseudo-data.

Reads only its options, writes histograms.csv: one column of counts per component, and the observed counts.

The random numbers come from numpy.random.RandomState, a stream that NumPy has frozen, in this order: the expected
events of each component, from the last component to the first; then the observed events, from the first to the last.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.simulate import SimulateSettings, simulate_histograms


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SimulateSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    simulate_histograms(args.output, settings_of(args, SimulateSettings))


if __name__ == "__main__":
    run(main)
