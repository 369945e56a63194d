"""The step that throws and fits a part of the toys that a plan adds."""

import sys

from muscan.base.files import read_result, record_failure, write_json
from muscan.records.toy_measurement import MeasurementPlan
from muscan.toys.plan import OpenedPlan, ToyFiles, open_plan, tasks_of_job
from muscan.toys.samples import OpenedMeasurement, open_measurement


def throw_toys(output: str, files: ToyFiles, part: int, parts: int) -> None:
    """Make the blocks of toys that do not exist yet, and write a list of all blocks of this part.

    Args:
        output: a JSON file for the list.
        files: of the signal point and its toys. The plan is one of limits, or of a measurement.
        part: number of the part, from 0.
        parts: number of parts.
    """
    with record_failure(output):
        opened = open_any_plan(files)
        tasks = tasks_of_job(opened.new_tasks(), part, parts)
        for task in tasks:
            task.make(opened.store)
        print(f"{opened.store.blocks_made} blocks made", file=sys.stderr)
        write_json(output, {"blocks": [task.to_json() for task in tasks]})


def open_any_plan(files: ToyFiles) -> OpenedPlan | OpenedMeasurement:
    """Read a plan of limits or of a measurement, and the fits of its signal point."""
    return open_measurement(files) if MeasurementPlan.describes(read_result(files.plan)) else open_plan(files)
