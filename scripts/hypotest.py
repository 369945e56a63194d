#!/usr/bin/env python
"""Test values of mu.

Reads model.npz and fit.json, writes one record, or a list of records if several values of mu are given. A test that
fails is recorded with its reason.
"""

import argparse

from files import failure_recorded, made_by, run, write_json
from inference.calculators import CALCULATORS
from signal_point import arguments, load, run_tests


def parser() -> argparse.ArgumentParser:
    parse = arguments(__doc__)
    parse.add_argument("--calculator", choices=CALCULATORS, default="asymptotics")
    parse.add_argument("--mu", type=float, nargs="+", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    with failure_recorded(args.output):
        engine, prepared, result = load(args.model, args.fit, args.workspace)
        provenance = made_by([args.model, args.fit])
        records = []
        for record in run_tests(engine, prepared, args.mu, result.test_statistic, args.calculator):
            if record.status != "ok":
                print(f"mu = {record.mu:g}: {record.status}: {record.reason}")
            records.append(record.to_json() | {"made_by": provenance})
        write_json(args.output, records if len(records) > 1 else records[0])


if __name__ == "__main__":
    run(main)
