"""Values for the rules of data sets.

Methods with the argument `wildcards` serve as input functions or params of rules.
"""

import json
from collections.abc import Callable

from muscan.config.datasets import histogram_spec, input_files, without_observed
from muscan.run.rules.wildcards import Value, Wildcards, option_value


class Datasets:
    """The data sets of a configuration. The wildcards are `dataset` and `histograms`.

    Attributes:
        simulated: names of the data sets that are simulated.
        external: names of the data sets with histograms from files or from the configuration.
    """

    def __init__(self, config: dict):
        """Prepare the data sets of a checked configuration."""
        self._config, self._known = config, config["datasets"]
        self.simulated = [name for name, dataset in self._known.items() if "simulate" in dataset]
        self.external = [name for name, dataset in self._known.items() if "histograms" in dataset]

    def blind(self, wildcards: Wildcards) -> bool:
        """Return whether observed events are left out."""
        return wildcards.histograms == "blinded"

    def simulation_spec(self, wildcards: Wildcards) -> str:
        """Return the settings of a simulated data set, as JSON."""
        dataset = self._known[wildcards.dataset]
        return json.dumps((without_observed(dataset) if self.blind(wildcards) else dataset)["simulate"])

    def histogram_spec(self, wildcards: Wildcards) -> str:
        """Return which histograms are read, as JSON."""
        return json.dumps(histogram_spec(self._config, wildcards.dataset, self.blind(wildcards)))

    def files(self, wildcards: Wildcards) -> list[str]:
        """Return the files from which histograms are read."""
        return list(input_files(self._known[wildcards.dataset], self.blind(wildcards)).values())

    def published(self, kind: str) -> Callable[[Wildcards], Value]:
        """Return a function of the wildcards that returns the path of a published file.

        Args:
            kind: "workspace" or "patchset".
        """
        key = {"workspace": "file"}.get(kind, kind)
        return lambda wildcards: option_value(self._known[wildcards.dataset]["workspace"].get(key))

    def max_megabytes(self, wildcards: Wildcards) -> float:
        """Return the largest allowed size of a published file, in megabytes."""
        return self._known[wildcards.dataset]["workspace"]["max_megabytes"]
