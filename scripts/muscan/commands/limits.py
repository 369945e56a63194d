"""Print the table of limits and the most important findings.

Reads limits.csv, and fit.json of each signal.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from muscan.config.result_files import REPORT
from muscan.config.settings import TOYBASED
from muscan.report.limits_table import grid_summary, limits_table, list_important_findings
from muscan.results.table_rows import read_table


def main(argv: list[str] | None = None) -> int:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--limits", type=Path, required=True, help="limits.csv")
    parse.add_argument("--grids", nargs="*", default=[], help="names of grids of signals")
    args = parse.parse_args(argv)
    rows = read_table(args.limits)
    folder = args.limits.parent
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(limits_table(rows))
    console.print(*list_important_findings(rows, folder), sep="\n")
    toys = folder / "toybased.md"
    more = f", {toys} (toys compared with asymptotics)" if any(row["calculator"] == TOYBASED for row in rows) else ""
    console.print(Text(f"Tables: {args.limits}, {args.limits.with_suffix('.md')}{more}"))
    console.print(Text(f"Plots: {folder}/plots/limits.png, {folder}/ANALYSIS/SIGNAL/CALCULATOR/plots/"))
    report = folder / Path(REPORT).name
    if report.exists():
        console.print(Text(f"Report with explanations: {report}"))
    for points in (folder / "grids" / grid / "points.csv" for grid in args.grids):
        if points.exists():
            console.print(Text(grid_summary(points)))
    return 0
