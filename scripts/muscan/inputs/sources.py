"""Read the data sets of a configuration and make its models in memory, without the steps of a run."""

import tempfile
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from muscan.base.errors import StepError
from muscan.config.datasets import histogram_spec
from muscan.config.settings import scan_settings, source_of
from muscan.config.signals import workspace_files
from muscan.diagnosis.findings import Finding
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.model import Model
from muscan.inputs import build_workspace, patches, published, read_histograms, simulation
from muscan.inputs.blinding import blind_workspace
from muscan.inputs.histograms import Histograms, write_histograms
from muscan.inputs.histograms import read_histograms as read_csv


class Sources:
    """The data sets of a configuration, each read once.

    Attributes:
        config: a valid configuration.
        histograms: histograms(dataset, observed) returns the `Histograms` of a data set, with or without its observed
            events.
        wrong_patches: wrong_patches(dataset) returns {name: what is wrong} of the patches of a published patch set.
    """

    def __init__(self, config: dict):
        self.config = config
        self.histograms = cache(self._read_histograms)
        self.wrong_patches = cache(self._check_published)
        self._known_samples: dict = {}  # the compiler's memory of samples that signals share

    def read(self, analysis: str) -> None:
        """Read the data set of an analysis.

        Raises:
            StepError: if it cannot be used.
        """
        dataset = self._dataset(analysis)
        if self._is_published(dataset):
            self.wrong_patches(dataset)
        else:
            self.histograms(dataset, not self._is_blind(analysis))

    def unreadable(self, analysis: str) -> str | None:
        """Return why the data set of an analysis cannot be read, with its name; None if it can."""
        try:
            self.read(analysis)
        except (StepError, OSError) as error:
            return f"data set {self._dataset(analysis)!r}: {error}"
        return None

    def findings(self, analysis: str) -> tuple[Finding, ...]:
        """Return what was left out or changed when the histograms of an analysis were read."""
        dataset = self._dataset(analysis)
        if self._is_published(dataset):
            return ()
        return self.histograms(dataset, not self._is_blind(analysis)).findings

    def model(self, analysis: str, signal: str) -> Model:
        """Return the compiled model of a signal.

        Raises:
            StepError: if it cannot be made.
        """
        kind, block = source_of(self.config, analysis)
        blind = self._is_blind(analysis)
        if kind == "workspace":
            wrong_patches = self.wrong_patches(self._dataset(analysis))
            reading = (block.get("measurement"), block["max_megabytes"])
            workspace = patches.signal_workspace(workspace_files(block, signal), signal, wrong_patches, *reading)
        else:
            histograms = self.histograms(self._dataset(analysis), not blind)
            model = self.config["analyses"][analysis]["model"]
            workspace = build_workspace.build(histograms, self.config["models"][model])
        codes = asdict(scan_settings(self.config, analysis).interpolation)
        return compile_workspace(blind_workspace(workspace) if blind else workspace, codes, self._known_samples)

    def _read_histograms(self, dataset: str, observed: bool) -> Histograms:
        """Read or draw histograms, write them to CSV and read that, as the steps of a run do."""
        kind, spec = next(iter(self.config["datasets"][dataset].items()))
        if kind == "simulate":
            histograms = simulation.simulate(spec, observed)
        else:
            histograms = read_histograms.read_source(histogram_spec(self.config, dataset, not observed), observed)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{dataset}.csv"
            write_histograms(file, histograms)
            return replace(read_csv(file, observed), findings=histograms.findings)

    def _check_published(self, dataset: str) -> dict[str, str]:
        block = self.config["datasets"][dataset]["workspace"]
        read = patches.read_published
        return published.check_files(block["file"], block.get("patchset"), read, block["max_megabytes"])

    def _dataset(self, analysis: str) -> str:
        return self.config["analyses"][analysis]["dataset"]

    def _is_published(self, dataset: str) -> bool:
        return "workspace" in self.config["datasets"][dataset]

    def _is_blind(self, analysis: str) -> bool:
        return scan_settings(self.config, analysis).blind
