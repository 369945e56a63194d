"""All steps of several signals, one after the other. The files are the same as if each step were a job of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from muscan.base.errors import InputError
from muscan.base.options import option
from muscan.config.mu_values import mu_jobs
from muscan.inference.signal_point import SignalFiles
from muscan.steps.build_workspace import BuildSettings, build_workspace
from muscan.steps.compile_model import CompileSettings, compile_model
from muscan.steps.fit import FitFiles, FitSettings, fit
from muscan.steps.hypotest import hypotest
from muscan.steps.invert import InvertSettings, invert
from muscan.steps.patch_workspace import PatchSettings, Published, patch_workspace


@dataclass(frozen=True)
class Pack:
    """Signals of an analysis that are processed in one job, and the files that their steps read.

    Raises:
        InputError: if not exactly one of histograms and workspace is given, or if the number of patches is not
            that of the signals.
    """

    folder: str = option("folder of the analysis; each signal has a folder in it")
    signals: list[str] = option("names of the signals, encoded as in paths")
    histograms: str | None = option("CSV: [channel,] bin_low, bin_high, templates, observed", default=None)
    findings: str | None = option("what was left out or changed when histograms were read", default=None)
    workspace: str | None = option("pyhf workspace, plain or gzipped", default=None)
    checked: str | None = option("result of check_published.py for the workspace and its patches", default=None)
    patchset: str | None = option("patch set, plain or gzipped", default=None)
    patches: list[str] = option("JSON patches, one for each signal", default_factory=list)
    mu: list[str] = option("values of mu of the scan; default: as the limits require", default_factory=list)
    tests: bool = option("run the hypothesis tests after the fits", default=True)

    def __post_init__(self):
        if (self.histograms is None) == (self.workspace is None):
            raise InputError("give either histograms or a workspace")
        if self.patches and len(self.patches) != len(self.signals):
            raise InputError(f"{len(self.patches)} patches for {len(self.signals)} signals")

    def sources(self) -> Iterator[tuple[str, str | Published]]:
        """Yield the encoded name of each signal and the source of its workspace: a CSV file or published files."""
        for signal, patch in zip(self.signals, self.patches or [None] * len(self.signals), strict=True):
            if self.histograms:
                yield signal, self.histograms
            else:
                yield signal, Published(self.workspace, self.checked, unquote(signal), self.patchset, patch)


@dataclass(frozen=True)
class StepSettings:
    """The settings of all steps."""

    workspace: BuildSettings | PatchSettings
    compiled: CompileSettings
    fit: FitSettings
    limits: InvertSettings | None  # None: no tests are run


def scan_signals(pack: Pack, settings: StepSettings) -> None:
    """Write the files of all steps of each signal. A failure of one is recorded in its files; the others continue."""
    for signal, source in pack.sources():
        print(f"{unquote(signal)}:", flush=True)
        scan_signal(Path(pack.folder) / signal, source, settings, pack.mu, pack.findings)


def scan_signal(
    folder: Path, source: str | Published, settings: StepSettings, mu: list[str], findings: str | None
) -> None:
    """Write workspace.json, model.npz and fit.json of a signal, and its tests and limits if the settings ask for them.

    Args:
        folder: of the signal.
        source: histograms.csv, or a published likelihood.
        settings: of all steps.
        mu: values of the scan, as text; if empty, the step `fit` chooses them.
        findings: a JSON file of what was left out or changed when histograms were read.
    """
    workspace, model, fitted = (str(folder / name) for name in ("workspace.json", "model.npz", "fit.json"))
    if isinstance(source, Published):
        patch_workspace(workspace, source, settings.workspace)
    else:
        build_workspace(workspace, source, settings.workspace)
    compile_model(model, workspace, settings.compiled)
    fit(fitted, FitFiles(model, workspace, findings), settings.fit)
    if settings.limits is None:
        return
    files = SignalFiles(model, fitted, workspace)
    calculator = settings.limits.calculator
    label = next(iter(mu_jobs(mu, max(len(mu), 1))))  # one file of all tests
    tests = str(folder / calculator / "hypotest" / f"mu_{label}.json")
    hypotest(tests, files, calculator, [float(value) for value in mu])
    invert(str(folder / calculator / "limits.json"), files, [tests], settings.limits)
