"""All steps of one signal, one after the other: the files that the steps write when each has a job of its own."""

from dataclasses import dataclass
from pathlib import Path

from muscan.config.settings import mu_jobs
from muscan.inference.signal_point import SignalFiles
from muscan.steps.build_workspace import BuildSettings, build_workspace
from muscan.steps.compile_model import CompileSettings, compile_model
from muscan.steps.fit import FitSettings, fit
from muscan.steps.hypotest import hypotest
from muscan.steps.invert import InvertSettings, invert
from muscan.steps.patch_workspace import PatchSettings, Published, patch_workspace


@dataclass(frozen=True)
class StepSettings:
    """The settings of all steps."""

    workspace: BuildSettings | PatchSettings
    compiled: CompileSettings
    fit: FitSettings
    limits: InvertSettings | None  # None: no tests


def scan_signal(
    folder: Path, source: str | Published, settings: StepSettings, mu: list[str] | None, findings: str | None
) -> None:
    """Write workspace.json, model.npz and fit.json, and the tests and limits if they are wanted.

    Args:
        folder: of the signal.
        source: histograms.csv, or a published likelihood.
        mu: values of the scan, as text; None for those that the step `fit` chooses.
        findings: a file of what was left out or changed when histograms were read.
    """
    workspace, model, fitted = (str(folder / name) for name in ("workspace.json", "model.npz", "fit.json"))
    if isinstance(source, Published):
        patch_workspace(workspace, source, settings.workspace)
    else:
        build_workspace(workspace, source, settings.workspace)
    compile_model(model, workspace, settings.compiled)
    fit(fitted, model, settings.fit, workspace, findings)
    if settings.limits is None:
        return
    files = SignalFiles(model, fitted, workspace)
    calculator = settings.limits.calculator
    tests = str(folder / calculator / "hypotest" / f"mu_{_label(mu)}.json")
    hypotest(tests, files, calculator, [float(value) for value in mu] if mu else None)
    invert(str(folder / calculator / "limits.json"), files, [tests], settings.limits)


def _label(mu: list[str] | None) -> str:
    """How the file of all tests of a scan is called."""
    return next(iter(mu_jobs(mu, len(mu)))) if mu else "auto"
