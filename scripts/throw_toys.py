#!/usr/bin/env python
"""Throw and fit a part of the toys that a plan adds.

Reads the plan, model.npz and fit.json, writes the blocks of toys that are not there yet, and a list of all of its part.
"""

import sys

from files import failure_recorded, run, write_json
from toy_plan import arguments, new_units, open_plan, share, throw


def main(argv: list[str] | None = None) -> None:
    parse = arguments(__doc__)
    parse.add_argument("--part", type=int, default=0, help="which part, from 0")
    parse.add_argument("--parts", type=int, default=1)
    args = parse.parse_args(argv)
    with failure_recorded(args.output):
        plan, store, *_ = open_plan(args)
        units = share(new_units(plan), args.part, args.parts)
        for unit in units:
            throw(store, unit)
        print(f"{store.made} blocks made", file=sys.stderr)
        blocks = [[unit.hypothesis, unit.number, [point.mu for point in unit.points]] for unit in units]
        write_json(args.output, {"blocks": blocks})


if __name__ == "__main__":
    run(main)
