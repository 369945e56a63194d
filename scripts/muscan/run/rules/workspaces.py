"""Values for the rules that make workspaces: the files of which the workspace of a signal is made.

Methods with the argument `wildcards` serve as input functions or params of rules. They return an empty list for a file
or a setting that an analysis does not have.
"""

import json
from collections.abc import Callable
from os.path import exists

from muscan.config import result_files
from muscan.config.settings import source_of
from muscan.config.signals import workspace_files
from muscan.run.rules.scans import Scans
from muscan.run.rules.wildcards import Value, Wildcards, option_value


class Workspaces:
    """The workspaces of all signals. The wildcards are `analysis` and `signal`."""

    def __init__(self, config: dict, scans: Scans):
        """Prepare the workspaces of a checked configuration with its scans."""
        self._config, self._scans = config, scans

    def histograms(self, wildcards: Wildcards) -> Value:
        """Return the path of the histograms."""
        if self._is_published(wildcards):
            return []
        return f"{self._folder(wildcards)}/{result_files.histograms_file(self._blind(wildcards))}"

    def findings(self, wildcards: Wildcards) -> Value:
        """Return the path of the findings about histograms that were read: what was left out or changed."""
        if "histograms" not in self._config["datasets"][self._dataset(wildcards)]:
            return []
        return f"{self._folder(wildcards)}/{result_files.findings_file(self._blind(wildcards))}"

    def model_spec(self, wildcards: Wildcards) -> Value:
        """Return the settings of the model, as JSON."""
        if self._is_published(wildcards):
            return []
        return json.dumps(self._config["models"][self._config["analyses"][wildcards.analysis]["model"]])

    def checked(self, wildcards: Wildcards) -> Value:
        """Return the path of the results of the check of the published files."""
        return f"{self._folder(wildcards)}/checked.json" if self._is_published(wildcards) else []

    def published(self, kind: str) -> Callable[[Wildcards], Value]:
        """Return a function of the wildcards that returns the path of a published file.

        Args:
            kind: "workspace", "patchset" or "patch".
        """
        return lambda wildcards: option_value(self._files(wildcards).get(kind))

    def existing_patch(self, wildcards: Wildcards) -> Value:
        """Return the path of the patch of a signal if it exists. A missing patch is no input; its job reports it."""
        patch = self._files(wildcards).get("patch")
        return patch if patch and exists(patch) else []

    def signal(self, wildcards: Wildcards) -> str:
        """Return the name of a signal."""
        return self._scans.signals[wildcards.analysis][wildcards.signal]

    def measurement(self, wildcards: Wildcards) -> Value:
        """Return the name of the measurement in a published workspace."""
        return option_value(self._source(wildcards).get("measurement"))

    def max_megabytes(self, wildcards: Wildcards) -> Value:
        """Return the largest allowed size of a published file, in megabytes."""
        return option_value(self._source(wildcards).get("max_megabytes"))

    def _dataset(self, wildcards: Wildcards) -> str:
        return self._config["analyses"][wildcards.analysis]["dataset"]

    def _folder(self, wildcards: Wildcards) -> str:
        return f"results/datasets/{self._dataset(wildcards)}"

    def _blind(self, wildcards: Wildcards) -> bool:
        return self._scans.settings[wildcards.analysis].blind

    def _is_published(self, wildcards: Wildcards) -> bool:
        return wildcards.analysis in self._scans.published

    def _source(self, wildcards: Wildcards) -> dict:
        """Return the settings of a published workspace."""
        return source_of(self._config, wildcards.analysis)[1] if self._is_published(wildcards) else {}

    def _files(self, wildcards: Wildcards) -> dict[str, str]:
        source = self._source(wildcards)
        return workspace_files(source, self.signal(wildcards)) if source else {}
