#!/usr/bin/env python
"""Draw templates and pseudo-data.

Reads nothing but its options, writes histograms.csv: one column of counts per component, and the observed counts.

The random numbers come from numpy.random.RandomState, a stream that NumPy has frozen, in this order: the expected
events of each component, from the last component to the first; then the observed events, from the first to the last.
"""

import argparse
import json

from muscan.base.script import run
from muscan.inputs.histograms import write_histograms
from muscan.inputs.simulation import simulate


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--spec", type=json.loads, required=True, help="the `simulate` block of a data set, as JSON")
    parse.add_argument("--blind", action="store_true", help="draw no pseudo-data")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    write_histograms(args.output, simulate(args.spec, observed=not args.blind))


if __name__ == "__main__":
    run(main)
