"""Print the table of limits and the most important findings.

Reads limits.csv, and fit.json of each signal.
"""

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from muscan.commands.parser import command_parser
from muscan.config.result_files import REPORT, require_results
from muscan.config.settings import TOYBASED
from muscan.report.limits_table import grid_summary, limits_table, list_important_findings
from muscan.results.table_rows import read_table


def main(argv: list[str] | None = None) -> int:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--limits", type=Path, required=True, help="limits.csv")
    parse.add_argument("--grids", nargs="*", default=[], help="names of grids of signals")
    parse.add_argument("--outdated", nargs="*", type=Path, default=[], help="files of earlier runs, not to be named")
    args = parse.parse_args(argv)
    require_results(args.limits)
    rows = read_table(args.limits)
    folder = args.limits.parent
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(limits_table(rows))
    console.print(*list_important_findings(rows, folder), sep="\n")
    tables = {args.limits: "", args.limits.with_suffix(".md"): ""}
    if any(row["calculator"] == TOYBASED for row in rows):
        tables[folder / "toybased.md"] = " (toys compared with asymptotics)"
    current = [f"{table}{text}" for table, text in tables.items() if table not in args.outdated]
    console.print(Text(f"Tables: {', '.join(current)}"))
    plots = [folder / "plots" / "limits.png", f"{folder}/ANALYSIS/SIGNAL/CALCULATOR/plots/"]
    console.print(Text(f"Plots: {', '.join(str(plot) for plot in plots if plot not in args.outdated)}"))
    report = folder / Path(REPORT).name
    if report.exists() and report not in args.outdated:
        console.print(Text(f"Report with explanations: {report}"))
    for points in (folder / "grids" / grid / "points.csv" for grid in args.grids):
        if points.exists():
            console.print(Text(grid_summary(points)))
    return 0
