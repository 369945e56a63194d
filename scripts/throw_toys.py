#!/usr/bin/env python
"""Throw and fit a part of the toys that a plan adds.

Reads the plan, model.npz and fit.json, writes the blocks of toys that are not there yet, and a list of all of its part.
"""

import argparse
import sys

from files import failure_recorded, run, write_json
from toy_plan import new_units, open_store, read_plan, share, throw


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--plan", required=True, help="plan_{round}.json")
    parse.add_argument("--model", required=True, help="compiled model")
    parse.add_argument("--fit", required=True, help="fit.json of the same model")
    parse.add_argument("--workspace", help="workspace of the model, if the fits are pyhf's")
    parse.add_argument("--toys", required=True, help="folder of the toys")
    parse.add_argument("--part", type=int, default=0, help="which part, from 0")
    parse.add_argument("--parts", type=int, default=1)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    with failure_recorded(args.output):
        plan = read_plan(args.plan)
        store, _ = open_store(plan, args.toys, args.model, args.fit, args.workspace)
        units = share(new_units(plan), args.part, args.parts)
        for unit in units:
            throw(store, unit)
        print(f"{store.made} blocks made", file=sys.stderr)
        blocks = [[unit.hypothesis, unit.number, [point.mu for point in unit.points]] for unit in units]
        write_json(args.output, {"blocks": blocks})


if __name__ == "__main__":
    run(main)
