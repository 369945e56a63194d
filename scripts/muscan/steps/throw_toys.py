"""The step that throws and fits a part of the toys that a plan adds."""

import sys

from muscan.base.files import record_failure, write_json
from muscan.toys.plan import ToyFiles, make_block, new_tasks, open_plan, tasks_of_job


def throw_toys(output: str, files: ToyFiles, part: int, parts: int) -> None:
    """Make the blocks of toys that do not exist yet, and write a list of all blocks of this part.

    Args:
        output: a JSON file for the list.
        files: of the signal point and its toys.
        part: number of the part, from 0.
        parts: number of parts.
    """
    with record_failure(output):
        plan, store, *_ = open_plan(files)
        tasks = tasks_of_job(new_tasks(plan), part, parts)
        for task in tasks:
            make_block(store, task)
        print(f"{store.blocks_made} blocks made", file=sys.stderr)
        blocks = [[task.hypothesis, task.block, [point.mu for point in task.points]] for task in tasks]
        write_json(output, {"blocks": blocks})
