"""Write the report of a run."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from muscan.base.errors import InputError
from muscan.base.files import write_text
from muscan.base.options import option
from muscan.config.problems import BLOCKS
from muscan.config.result_files import require_results
from muscan.records.manifest import Manifest
from muscan.report.page import render
from muscan.report.run_results import RunResults
from muscan.report.sections import CAPTIONS, TEMPLATE, page_content


@dataclass(frozen=True)
class ReportSettings:
    """Settings of the report.

    Raises:
        InputError: unless either a configuration or a manifest is given.
    """

    config: dict | None = option("the configuration, as JSON", keys=BLOCKS, default=None)
    manifest: str | None = option("manifest.json of a run, instead of its configuration and problems", default=None)
    problems: list[str] = option("problems of the configuration, whose parts were not run", default_factory=list)
    results: str = option("folder of the results", default="results")
    embed: bool = option("include the pictures in the page", default=False)

    def __post_init__(self):
        if (self.config is None) == (self.manifest is None):
            raise InputError("give either a configuration or a manifest")


def write_report(output: str, settings: ReportSettings) -> None:
    """Write report.html from all results of a configuration."""
    config, problems = settings.config, settings.problems
    if settings.manifest:
        require_results(settings.manifest)
        manifest = Manifest.read(settings.manifest)
        config, problems = manifest.config, manifest.problems
    captions = yaml.safe_load(CAPTIONS.read_text(encoding="utf-8"))
    results = RunResults(config, captions, Path(settings.results))
    page = render(TEMPLATE, Path(output).parent, settings.embed, page_content(results, problems))
    write_text(output, page)
    if settings.embed:
        print(f"{output}: all results of the last run in one file, {len(page.encode()) / 1e6:.1f} MB")
