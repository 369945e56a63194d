#!/usr/bin/env python
"""Test values of mu.

Reads workspace.json and fit.json, writes one record, or a list of records if several values of mu are given. A test
that fails is recorded with its reason.
"""

import argparse

from files import failure_recorded, made_by, run, write_json
from inference.calculators import CALCULATORS
from signal_point import load, run_test


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--workspace", required=True, help="pyhf workspace")
    parse.add_argument("--fit", required=True, help="fit.json of the same workspace")
    parse.add_argument("--calculator", choices=CALCULATORS, default="asymptotics")
    parse.add_argument("--mu", type=float, nargs="+", required=True)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    with failure_recorded(args.output):
        model, prepared, result = load(args.workspace, args.fit)
        provenance = made_by([args.workspace, args.fit])
        records = []
        for mu in args.mu:
            record = run_test(model, prepared, mu, result.test_statistic, args.calculator)
            if record.status != "ok":
                print(f"mu = {mu:g}: {record.status}: {record.reason}")
            records.append(record.to_json() | {"made_by": provenance})
        write_json(args.output, records if len(records) > 1 else records[0])


if __name__ == "__main__":
    run(main)
