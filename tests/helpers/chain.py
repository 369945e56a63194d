"""The folder of one signal, and the steps that fill it."""

import json
from pathlib import Path

import compile_model
import fit
import hypotest
import invert
from helpers.steps import run_step
from helpers.workspaces import counting, normsys
from muscan.records.limits import Limits

SPEC = counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1))


MU = (0.0, 1.0, 2.0, 3.0, 4.0)


def strict(path: Path):
    """Read JSON as the standard has it: without NaN and Infinity."""

    def refuse(constant: str):
        raise AssertionError(f"{path} holds {constant}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


class Chain:
    """The folder of one signal, and the steps that fill it."""

    def __init__(self, results: Path, spec, signal: str = "signal", analysis: str = "analysis"):
        self.results = results
        self.scan = f"{analysis}/{signal}/asymptotics"
        self.folder = results / analysis / signal
        self.folder.mkdir(parents=True, exist_ok=True)
        self.workspace = self.folder / "workspace.json"
        self.workspace.write_text(spec if isinstance(spec, str) else json.dumps(spec), encoding="utf-8")
        self.model_file = self.folder / "model.npz"
        self.fit_file = self.folder / "fit.json"
        self.limits_file = results / self.scan / "limits.json"

    def compile(self, *options: str) -> None:
        run_step(compile_model, ["--workspace", str(self.workspace), *options, "--output", str(self.model_file)])

    def fit(self, *options: str) -> dict:
        if not self.model_file.exists():
            self.compile()
        run_step(
            fit,
            [
                "--model",
                str(self.model_file),
                "--workspace",
                str(self.workspace),
                *options,
                "--output",
                str(self.fit_file),
            ],
        )
        return strict(self.fit_file)

    def hypotest(self, *mu: float) -> Path:
        path = self.results / self.scan / "hypotest" / f"mu_{'_'.join(map(str, mu))}.json"
        common = ["--model", str(self.model_file), "--workspace", str(self.workspace), "--fit", str(self.fit_file)]
        run_step(hypotest, [*common, "--mu", *map(str, mu), "--output", str(path)])
        return path

    def invert(self, tests: list[Path], *options: str) -> Limits:
        common = [
            "--model",
            str(self.model_file),
            "--workspace",
            str(self.workspace),
            "--fit",
            str(self.fit_file),
            "--hypotest",
            *map(str, tests),
        ]
        run_step(invert, [*common, *options, "--output", str(self.limits_file)])
        return Limits.from_json(strict(self.limits_file))

    def run(self, mu=MU) -> Limits:
        self.fit()
        return self.invert([self.hypotest(each) for each in mu])
