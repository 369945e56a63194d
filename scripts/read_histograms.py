#!/usr/bin/env python
"""Bring histograms of any source into one form.

Reads a CSV file, ROOT files or counts from its options, writes histograms.csv, and what was left out or changed.
"""

import argparse
import json
import sys

from muscan.base.files import failure_recorded, write_json
from muscan.base.script import run
from muscan.base.words import printable
from muscan.diagnosis.findings import Finding
from muscan.inputs.histograms import write_histograms
from muscan.inputs.read_histograms import read


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument(
        "--spec", type=json.loads, required=True, help="the `histograms` block of a data set, as JSON, see `read`"
    )
    parse.add_argument("--blind", action="store_true", help="leave the observed data out")
    parse.add_argument("--output", required=True)
    parse.add_argument("--findings", help="a file for what was left out or changed, as JSON")
    args = parse.parse_args(argv)
    findings: tuple[Finding, ...] = ()
    with failure_recorded(args.output):
        found = read(args.spec, observed=not args.blind)
        findings = found.findings
        write_histograms(args.output, found)
    for each in findings:
        print(f"warning: {printable(str(each))}", file=sys.stderr)
    if args.findings:
        write_json(args.findings, [each._asdict() for each in findings])


if __name__ == "__main__":
    run(main)
