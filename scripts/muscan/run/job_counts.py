"""Count the jobs of each rule that Snakemake would run, through its Python interface."""

import logging
from pathlib import Path

from snakemake.api import DAGSettings, OutputSettings, ResourceSettings, SnakemakeApi
from snakemake.settings.types import ConfigSettings, Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from muscan.base.versions import ROOT

# Entries in the counts of Snakemake that are no jobs: their sum, and the rule `all`.
TOTAL, ALL = "total", "all"


class _Counts(logging.Handler):
    """Record the numbers of jobs from the event that Snakemake logs when a run begins."""

    def __init__(self):
        super().__init__()
        self.jobs: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "event", None) == LogEvent.RUN_INFO:
            self.jobs = {rule: number for rule, number in record.stats.items() if rule not in (TOTAL, ALL)}


def job_counts(configfile: Path, folder: Path, snakefile: Path = ROOT / "Snakefile") -> dict[str, int]:
    """Count the jobs that a configuration needs in a folder, in a dry run.

    The Snakefile runs in this process and changes its state, so use a separate process: `python scripts/muscan jobs`.

    Args:
        configfile: the configuration.
        folder: the working directory; jobs whose results exist there are not counted.
        snakefile: the Snakefile of muscan.

    Returns:
        {rule: number of jobs}, empty if there is nothing to do.

    Raises:
        SystemExit: if Snakemake or muscan refuses the configuration; the reason is printed to stderr.
    """
    counts = _Counts()
    # With both of these a dry run ends as soon as the jobs are counted.
    quiet = OutputSettings(dryrun=True, quiet={Quietness.RULES, Quietness.PROGRESS}, enable_file_logging=False)
    with SnakemakeApi(quiet) as snakemake:
        snakemake.logger_manager.logger.addHandler(counts)
        try:
            workflow = snakemake.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[configfile.resolve()]),
                snakefile=snakefile,
                workdir=folder,
            )
            workflow.dag(DAGSettings()).execute_workflow(executor="dryrun")
        except Exception as error:
            snakemake.print_exception(error)
            raise SystemExit(1) from error
    return counts.jobs
