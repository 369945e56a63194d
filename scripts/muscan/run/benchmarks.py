"""Benchmarks of all steps, on request.

For each running benchmark Snakemake reads the table of processes several times a second, which would be a fourth of the
CPU time of a run with many short steps.
"""

import re

from snakemake.path_modifier import PathModifier


def write_benchmarks(rules) -> None:
    """Let rules write benchmarks: `benchmarks/` has the folders of `logs/`.

    Args:
        rules: of Snakemake; those without a log get no benchmark.
    """
    for rule in rules:
        if rule.log:
            file = re.sub(r"(^|/)logs/", r"\1benchmarks/", str(rule.log[0]), count=1)
            rule.benchmark_modifier = PathModifier(None, None, rule.workflow)  # the log has the prefix of a module
            rule.benchmark = re.sub(r"\.log$", ".tsv", file)
