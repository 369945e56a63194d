"""The step that throws and fits a part of the toys that a plan adds."""

import sys

from muscan.base.files import failure_recorded, write_json
from muscan.toys.plan import ToyFiles, new_units, open_plan, share, throw


def throw_toys(output: str, files: ToyFiles, part: int, parts: int) -> None:
    """Make the blocks of toys that are not there yet, and write a list of all blocks of this part.

    Args:
        part: which part, from 0.
        parts: how many there are.
    """
    with failure_recorded(output):
        plan, store, *_ = open_plan(files)
        units = share(new_units(plan), part, parts)
        for unit in units:
            throw(store, unit)
        print(f"{store.made} blocks made", file=sys.stderr)
        blocks = [[unit.hypothesis, unit.number, [point.mu for point in unit.points]] for unit in units]
        write_json(output, {"blocks": blocks})
