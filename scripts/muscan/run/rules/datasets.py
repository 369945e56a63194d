"""What the rules of data sets ask about them.

Methods with `wildcards` can stand in rules, as inputs or params.
"""

import json
from collections.abc import Callable

from muscan.config.datasets import histogram_spec, input_files, unobserved
from muscan.run.rules.wildcards import Value, Wildcards, or_nothing


class Datasets:
    """All data sets, by the wildcards `dataset` and `histograms`.

    Attributes:
        simulated: names of those that are drawn.
        read: names of those with histograms from elsewhere.
    """

    def __init__(self, config: dict):
        """Take a checked configuration."""
        self._config, self._known = config, config["datasets"]
        self.simulated = [name for name, dataset in self._known.items() if "simulate" in dataset]
        self.read = [name for name, dataset in self._known.items() if "histograms" in dataset]

    def blind(self, wildcards: Wildcards) -> bool:
        """Return whether the observed data are left out."""
        return wildcards.histograms == "blinded"

    def simulation(self, wildcards: Wildcards) -> str:
        """Return what is drawn, as JSON."""
        dataset = self._known[wildcards.dataset]
        return json.dumps((unobserved(dataset) if self.blind(wildcards) else dataset)["simulate"])

    def histograms(self, wildcards: Wildcards) -> str:
        """Return which histograms are read, as JSON."""
        return json.dumps(histogram_spec(self._config, wildcards.dataset, self.blind(wildcards)))

    def files(self, wildcards: Wildcards) -> list[str]:
        """Return the files that hold histograms."""
        return list(input_files(self._known[wildcards.dataset], self.blind(wildcards)).values())

    def published(self, kind: str) -> Callable[[Wildcards], Value]:
        """Return a published file, as a function of the wildcards.

        Args:
            kind: "workspace" or "patchset".
        """
        key = {"workspace": "file"}.get(kind, kind)
        return lambda wildcards: or_nothing(self._known[wildcards.dataset]["workspace"].get(key))

    def max_megabytes(self, wildcards: Wildcards) -> float:
        """Return the largest size of a published file."""
        return self._known[wildcards.dataset]["workspace"]["max_megabytes"]
