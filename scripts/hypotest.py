#!/usr/bin/env python
"""Test values of mu.

Reads model.npz and fit.json, writes one record, or a list of records if several values of mu are given. A test that
fails is recorded with its reason.
"""

import argparse

from files import failure_recorded, made_by, run, write_json
from inference.calculators import CALCULATORS
from signal_point import arguments, load, run_tests, values_of_mu


def parser() -> argparse.ArgumentParser:
    parse = arguments(__doc__)
    parse.add_argument("--calculator", choices=CALCULATORS, default="asymptotics")
    parse.add_argument("--mu", type=float, nargs="+", help="default: the values that fit.py chose")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    with failure_recorded(args.output):
        engine, prepared, result = load(args.model, args.fit, args.workspace)
        mu = values_of_mu(args.mu, result)
        provenance = made_by([args.model, args.fit])
        records = []
        for record in run_tests(engine, prepared, mu, result, args.calculator):
            if record.status != "ok":
                print(f"mu = {record.mu:g}: {record.status}: {record.reason}")
            records.append(record.to_json() | {"made_by": provenance})
        write_json(args.output, records if len(records) > 1 else records[0])


if __name__ == "__main__":
    run(main)
