"""The data sets of a configuration and the models that follow from them, in memory and without the steps of a run."""

import tempfile
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from muscan.config.datasets import histogram_spec
from muscan.config.settings import scan_settings, source_of
from muscan.config.signals import workspace_files
from muscan.diagnosis.findings import Finding
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.model import Model
from muscan.inputs import build_workspace, read_histograms
from muscan.inputs import patches as patch_workspace
from muscan.inputs import published as check_published
from muscan.inputs import simulation as simulate
from muscan.inputs.blinding import blinded
from muscan.inputs.histograms import Histograms, write_histograms


class Sources:
    """What the data sets of a configuration hold, read once."""

    def __init__(self, config: dict):
        self.config = config
        self.histograms = cache(self._histograms)
        self.wrong_patches = cache(self._wrong_patches)
        self.known: dict = {}  # samples that the compiler has seen

    def _histograms(self, dataset: str, observed: bool) -> Histograms:
        """Histograms after the way through the file in which the steps of a run find them."""
        kind, spec = next(iter(self.config["datasets"][dataset].items()))
        if kind == "simulate":
            found = simulate.simulate(spec, observed)
        else:
            found = read_histograms.read(histogram_spec(self.config, dataset, not observed), observed)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{dataset}.csv"
            write_histograms(file, found)
            return replace(read_histograms.read_histograms(file, observed), findings=found.findings)

    def _wrong_patches(self, dataset: str) -> dict[str, str]:
        block = self.config["datasets"][dataset]["workspace"]
        read = patch_workspace.published
        return check_published.check_files(block["file"], block.get("patchset"), read, block["max_megabytes"])

    def read(self, analysis: str) -> None:
        """Read the data set of an analysis.

        Raises:
            StepError: if it cannot be used.
        """
        dataset = self.config["analyses"][analysis]["dataset"]
        if "workspace" in self.config["datasets"][dataset]:
            self.wrong_patches(dataset)
        else:
            self.histograms(dataset, not self._blind(analysis))

    def findings(self, analysis: str) -> tuple[Finding, ...]:
        """What was left out or changed when the histograms of an analysis were read."""
        dataset = self.config["analyses"][analysis]["dataset"]
        if "workspace" in self.config["datasets"][dataset]:
            return ()
        return self.histograms(dataset, not self._blind(analysis)).findings

    def _blind(self, analysis: str) -> bool:
        return scan_settings(self.config, analysis).blind

    def model(self, analysis: str, signal: str) -> Model:
        """The model of a signal.

        Raises:
            StepError: if it cannot be made.
        """
        kind, block = source_of(self.config, analysis)
        settings, blind = self.config["analyses"][analysis], self._blind(analysis)
        if kind == "workspace":
            wrong = self.wrong_patches(settings["dataset"])
            files = workspace_files(block, signal)
            reading = (block.get("measurement"), block["max_megabytes"])
            workspace = patch_workspace.of_signal(files, signal, wrong, *reading)
        else:
            histograms = self.histograms(settings["dataset"], not blind)
            workspace = build_workspace.build(histograms, self.config["models"][settings["model"]])
        codes = asdict(scan_settings(self.config, analysis).interpolation)
        return compile_workspace(blinded(workspace) if blind else workspace, codes, self.known)
