"""The folder of one signal with toys of a measurement, and the steps that fill it."""

import allocate_toys
import measure_with_toys
import plan_measurement
import throw_toys
from helpers.steps import run_step
from helpers.toy_signal import ROUNDS, Signal
from muscan.base.json_input import read_json


class MeasuredSignal(Signal):
    """The folder of one signal, and the steps that fill it with the toys of one measurement."""

    def measure(self, measurement: str, *options, rounds: int = ROUNDS, jobs: int = 1) -> dict:
        """All steps of a measurement; return its result."""
        folder = self.folder / measurement
        toys = ["--toys", str(folder / "toys")]
        plan = folder / "plan_0.json"
        common = [*self.common, "--measurement", measurement, *map(str, options)]
        run_step(plan_measurement, [*common, "--output", str(plan)])
        for number in range(rounds):
            if number:
                output = folder / f"plan_{number}.json"
                allocate_toys.main([*self.common, *toys, "--plan", str(plan), "--output", str(output)])
                plan = output
            for part in range(jobs):
                output = folder / "jobs" / f"{number}_{part}_of_{jobs}.json"
                parts = ["--part", str(part), "--parts", str(jobs), "--output", str(output)]
                throw_toys.main([*self.common, *toys, "--plan", str(plan), *parts])
        result = self.folder / f"{measurement}.json"
        measure_with_toys.main([*self.common, *toys, "--plan", str(plan), "--output", str(result)])
        return read_json(result)
