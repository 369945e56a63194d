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
from muscan.steps.discover import discover
from muscan.steps.find_intervals import IntervalOptions, find_intervals
from muscan.steps.fit import FitFiles, FitSettings, fit
from muscan.steps.hypotest import hypotest
from muscan.steps.invert import InvertSettings, invert
from muscan.steps.patch_workspace import PatchSettings, Published, patch_workspace
from muscan.steps.rank import RankOptions, rank
from muscan.steps.scan_likelihood import ScanOptions, scan_likelihood


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
    measurements: dict = option("{measurement: its options}, as JSON", default_factory=dict)

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
        scan_signal(Path(pack.folder) / signal, source, settings, pack)


def scan_signal(folder: Path, source: str | Published, settings: StepSettings, pack: Pack) -> None:
    """Write all files of a signal: of its model and fit, of measurements, and of tests and limits.

    Args:
        folder: of the signal.
        source: histograms.csv, or a published likelihood.
        settings: of all steps.
        pack: with the values of mu; without any, the step `fit` chooses them.
    """
    workspace, model, fitted = (str(folder / name) for name in ("workspace.json", "model.npz", "fit.json"))
    if isinstance(source, Published):
        patch_workspace(workspace, source, settings.workspace)
    else:
        build_workspace(workspace, source, settings.workspace)
    compile_model(model, workspace, settings.compiled)
    fit(fitted, FitFiles(model, workspace, pack.findings), settings.fit)
    files = SignalFiles(model, fitted, workspace)
    measure(folder, files, pack.measurements, settings)
    if settings.limits is None:
        return
    calculator = settings.limits.calculator
    label = next(iter(mu_jobs(pack.mu, max(len(pack.mu), 1))))  # one file of all tests
    tests = str(folder / calculator / "hypotest" / f"mu_{label}.json")
    hypotest(tests, files, calculator, [float(value) for value in pack.mu])
    invert(str(folder / calculator / "limits.json"), files, [tests], settings.limits)


def measure(folder: Path, files: SignalFiles, measurements: dict[str, dict], settings: StepSettings) -> None:
    """Write the results of measurements.

    Args:
        folder: of the signal.
        files: of the signal.
        measurements: {measurement: its options}.
        settings: of all steps.
    """

    def outputs(name: str) -> tuple[str, str]:
        return str(folder / f"{name}.json"), str(folder / f"{name}.csv")

    if "discovery" in measurements and settings.limits:
        discover(str(folder / settings.limits.calculator / "discovery.json"), files)
    if "intervals" in measurements:
        find_intervals(outputs("intervals")[0], files, IntervalOptions(**measurements["intervals"]))
    if "likelihood_scans" in measurements:
        scan_likelihood(*outputs("likelihood_scans"), files, ScanOptions(**measurements["likelihood_scans"]))
    if "ranking" in measurements:
        level = settings.fit.confidence_level
        rank(*outputs("ranking"), files, RankOptions(confidence_level=level, **measurements["ranking"]))
