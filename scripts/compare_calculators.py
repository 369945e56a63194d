#!/usr/bin/env python
"""Compare the limits from toys with the asymptotic ones.

Reads limits.json of every scan with toys, writes toybased.csv, one row per limit, and the same as Markdown.
"""

import argparse
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

from files import read_result, run, write_text
from records import LIMIT_COLUMNS, Limits
from tables import markdown

NUMBERS = ["toybased", "error", "asymptotics", "ratio", "ratio_error", "for_exclusion", "against_exclusion"]


def rows(results: Path, scan: str) -> list[dict]:
    """The six limits of a scan; the asymptotic ones have no statistical error."""
    analysis, signal, _ = scan.split("/")
    limits = Limits.from_json(read_result(results / scan / "limits.json"))
    asymptotic = limits.asymptotic()
    others = [None] * 6 if asymptotic is None else [value for value, *_ in asymptotic.six()]
    with_failed = [_six((limits.failed_toys or {}).get(name)) for name in NUMBERS[-2:]]
    found = []
    for i, (name, (value, status, _, _)) in enumerate(zip(LIMIT_COLUMNS, limits.six(), strict=True)):
        error, other = limits.errors()[i], others[i]
        both = value is not None and other
        numbers = (value, error, other, value / other if both else None, error / other if both else None)
        found.append(
            {"analysis": analysis, "signal": unquote(signal), "limit": name, "status": status}
            | dict(zip(NUMBERS, (*numbers, *(values[i] for values in with_failed)), strict=True))
        )
    return found


def _six(values: dict | None) -> list[float | None]:
    return [values["observed_limit"], *values["expected_limit"]] if values else [None] * 6


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--results", type=Path, default=Path("results"), help="folder of the results")
    parse.add_argument("--scans", nargs="+", required=True, metavar="ANALYSIS/SIGNAL/toybased")
    parse.add_argument("--csv", required=True)
    parse.add_argument("--markdown", required=True)
    args = parse.parse_args(argv)
    table = pd.DataFrame([row for scan in args.scans for row in rows(args.results, scan)])
    table[NUMBERS] = table[NUMBERS].astype(float)
    write_text(args.csv, table.to_csv(index=False, lineterminator="\n"))
    write_text(args.markdown, markdown(table))


if __name__ == "__main__":
    run(main)
