"""The folder of one signal with toys, and the steps that fill it."""

import json
from pathlib import Path

import allocate_toys
import compile_model
import fit
import invert_toys
import plan_toys
import throw_toys
from helpers.steps import run_step
from muscan.base.json_input import read_json
from muscan.records.limits import Limits

ROUNDS = 4


class Signal:
    """The folder of one signal with toys, and the steps that fill it."""

    def __init__(
        self, folder: Path, spec: dict, poi_bound=10.0, test_statistic="qtilde", engine="newton", blind: bool = False
    ):
        self.folder = folder
        folder.mkdir(parents=True)
        workspace, self.model, self.fit = (str(folder / name) for name in ("workspace.json", "model.npz", "fit.json"))
        Path(workspace).write_text(json.dumps(spec), encoding="utf-8")
        run_step(compile_model, ["--workspace", workspace, "--output", self.model])
        self.common = ["--model", self.model, "--workspace", workspace]
        options = ["--poi-bound", str(poi_bound), "--test-statistic", test_statistic, "--engine", engine]
        options += ["--blind"] * blind
        run_step(fit, [*self.common, *options, "--output", self.fit])
        self.common += ["--fit", self.fit]

    def plan(self, *options) -> Path:
        output = self.folder / "plan_0.json"
        run_step(plan_toys, [*self.common, *map(str, options), "--output", str(output)])
        return output

    def throw(self, plan: Path, parts: list[int], of: int, number: int = 0) -> None:
        for part in parts:
            options = ["--toys", self.folder / "toys", "--part", part, "--parts", of]
            output = self.folder / "jobs" / f"{number}_{part}_{of}.json"
            throw_toys.main([*self.common, "--plan", str(plan), *map(str, options), "--output", str(output)])

    def invert(self, plan: Path) -> Limits:
        output = self.folder / "limits.json"
        options = ["--plan", str(plan), "--toys", str(self.folder / "toys"), "--output", str(output)]
        run_step(invert_toys, [*self.common, *options])
        return Limits.from_json(read_json(output))

    def limits(self, *options) -> Limits:
        """All steps with a fixed number of toys."""
        plan = self.plan(*options)
        self.throw(plan, [0], 1)
        return self.invert(plan)

    def until(self, target: float, *options) -> Limits:
        """All steps with a target."""
        plan = self.plan("--target", target, *options)
        for number in range(ROUNDS):
            if number:
                output = self.folder / f"plan_{number}.json"
                common = [*self.common, "--plan", str(plan), "--toys", str(self.folder / "toys")]
                allocate_toys.main([*common, "--output", str(output)])
                plan = output
            self.throw(plan, [0], 1, number)
        return self.invert(plan)

    def blocks(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.glob("toys/*/*.npz")}
