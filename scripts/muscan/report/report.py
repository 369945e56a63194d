"""Write a page with all results of a run, and with what they mean.

Reads all results of a configuration, writes report.html. With --embed the pictures are a part of the page.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import yaml

from muscan.base import versions
from muscan.base.errors import StepError
from muscan.base.files import read_result
from muscan.base.versions import ROOT
from muscan.config.datasets import looked_at, unobserved
from muscan.config.grids import grid_plots, grid_settings
from muscan.config.result_files import MANIFEST, REPORT_PARTS, SUBMISSION, hypotest_files, inputs
from muscan.config.scans import all_scans
from muscan.config.settings import TOYBASED, scan_plots, scan_settings
from muscan.config.signals import path_name, scan_name
from muscan.records.columns import LIMIT_COLUMNS, label_column, statuses
from muscan.records.limits import BLINDED, Limits
from muscan.report import summary
from muscan.report.fits import fit_section, read_tests
from muscan.results.manifest import digests
from muscan.results.table_rows import (
    NOTHING,
    best_fit,
    is_blinded,
    number,
    read_table,
    scan_of,
    several_calculators,
    with_error,
    worst_status,
)

TEMPLATE, CAPTIONS = (ROOT / part for part in REPORT_PARTS)
RESULTS = Path("results")
GRID_FIGURES = {"plots/exclusion.png": "exclusion", "plots/limits": "mass_limits"}
TOYS = "toybased.csv"  # limits from toys, if there are any
SIGNS = {"above_scan": ">", "below_scan": "<"}
STATISTICS = {"qtilde": "q̃μ, with mu_hat not below zero", "q": "qμ"}
POINT_COLUMNS = {"observed_limit": "μ obs.", "expected": "μ exp.", "CLs_obs": "CLs obs.", "CLs_exp": "CLs exp."}
CROSS_SECTION_COLUMNS = {
    "cross_section": "Predicted xsec", "xsec_observed_limit": "xsec limit obs.", "xsec_expected": "xsec limit exp.",
}  # fmt: skip
LONGEST = 1000  # letters of a note
ANSWERS = {"True": "yes", "False": "no"}


class Figure(NamedTuple):
    """Pictures of one kind and what the report says of them."""

    title: str
    caption: dict[str, str]
    pictures: list[tuple[str, Path]]  # name and PNG; a PDF is beside it


class Results:
    """What the report reads, from the folder of the results."""

    def __init__(self, config: dict, captions: dict):
        self.config, self.captions = config, captions
        self.rows = read_table(RESULTS / "limits.csv")
        self.fits = summary.read_fits(RESULTS, self.rows)
        # Not whether there is such a table: it may be left from another configuration.
        self.with_toys = any(scan.endswith(f"/{TOYBASED}") for scan in all_scans(config))
        self.limits = {scan: _limits(RESULTS / scan / "limits.json") for scan in all_scans(config)}

    def scan(self, row: dict[str, str]) -> str:
        return f"{row['analysis']}/{path_name(row['signal'])}/{row['calculator']}"

    def figure(self, plot: str, place: Path) -> list[Figure]:
        """The pictures at a place, a PNG or a folder of them; none if there are none."""
        files = sorted(place.glob("*.png"), key=_order) if place.is_dir() else [place] * place.exists()
        caption = self.captions.get(plot, {})
        several = len(files) > 1 or place.is_dir()
        pictures = [(unquote(file.stem) if several else "", file) for file in files]
        return [Figure(caption.get("title", plot), caption, pictures)] if files else []


def _order(file: Path) -> tuple:
    """For sorting: numbers in names by their values, before the fit before after it."""
    name = unquote(file.stem)
    parts = re.split(r"(\d+(?:\.\d+)?)", name.removesuffix("_postfit").removesuffix("_prefit"))
    return parts[::2], [float(part) for part in parts[1::2]], name.endswith("_postfit")


def _limits(file: Path) -> Limits | None:
    try:
        return Limits.from_json(read_result(file))
    except StepError:
        return None


def facts(results: Results) -> dict:
    """Numbers and names of the first paragraph."""
    rows = results.rows
    blinded = list(dict.fromkeys(row["analysis"] for row in rows if is_blinded(row)))
    levels = sorted({float(row["confidence_level"]) for row in rows})
    return {
        "analyses": list(results.config["analyses"]),
        "signals": len({(row["analysis"], row["signal"]) for row in rows}),
        "levels": [f"{100 * level:.4g}\N{NO-BREAK SPACE}%" for level in levels],
        "alpha": ", ".join(f"{100 * (1 - level):.4g}\N{NO-BREAK SPACE}%" for level in levels),
        "statistics": [STATISTICS.get(name, name) for name in sorted({row["test_statistic"] for row in rows})],
        "asymptotics": any(row["calculator"] != TOYBASED for row in rows),
        "toys": any(row["calculator"] == TOYBASED for row in rows),
        "blinded": blinded,
        "all_blinded": all(is_blinded(row) for row in rows),
    }


def limit_rows(results: Results, anchors: dict) -> Iterator[dict]:
    """The table of limits: texts of its cells."""
    with_calculator = several_calculators(results.rows)
    for row in results.rows:
        limits = results.limits.get(results.scan(row))
        status = statuses(row["status"])
        bounds = dict(zip(LIMIT_COLUMNS, (each[3] for each in limits.six()), strict=True)) if limits else {}
        yield {
            "scan": scan_of(row, with_calculator),
            "anchor": anchors.get((row["analysis"], row["signal"])),
            "limits": [_limit(row, name, status[name], bounds.get(name)) for name in LIMIT_COLUMNS],
            "best": best_fit(row),
            "gof": number(row["gof_p_value"], 2),
            "poor": bool(row["gof_p_value"]) and float(row["gof_p_value"]) < summary.POOR_FIT,
            "cls": [number(row[name]) for name in ("CLs_obs", "CLs_exp")],
            "reason": "; ".join(filter(None, (row["reason"], row.get("warning")))),
            **_badge(row),
        }


def _badge(row: dict[str, str]) -> dict[str, str]:
    """The worst of the statuses of the six limits, and how bad it is."""
    status = worst_status(row)
    kinds = {"fit_failed": summary.FAILED, BLINDED: summary.NOTE, "ok": "ok"}
    return {"status": status, "kind": kinds.get(status, summary.WARNING)}


def _limit(row: dict[str, str], name: str, status: str, bound: float | None) -> str:
    """A limit, or on which side of the scan it is."""
    if not row[name] and bound is not None and status in SIGNS:
        return f"{SIGNS[status]} {bound:.4g}"
    return with_error(row, name)


def toy_rows(results: Results) -> list[list[str]]:
    """Limits from toys beside the asymptotic ones."""
    return [
        [
            scan_name(row["analysis"], row["signal"]), row["limit"].replace("_", " "), row["status"],
            number(row["toybased"]) + (f" ± {number(row['error'], 2)}" if row["error"] else ""),
            number(row["asymptotics"]),
            number(row["ratio"], 3) + (f" ± {number(row['ratio_error'], 2)}" if row["ratio_error"] else ""),
            number(row["for_exclusion"]), number(row["against_exclusion"]),
        ]
        for row in (read_table(RESULTS / TOYS) if results.with_toys else [])
    ]  # fmt: skip


def grid_section(results: Results, grid: str) -> dict:
    """Pictures and points of a grid of signals."""
    folder = RESULTS / "grids" / grid
    rows = read_table(folder / "points.csv")
    settings = grid_settings(results.config, grid)
    axes = [label_column(axis) for axis in (settings.x, settings.y) if axis is not None]
    names = ["signal", *(name for name in axes if name in rows[0]), *["analysis"] * (len(settings.analyses) > 1)]
    numbers = POINT_COLUMNS | (CROSS_SECTION_COLUMNS if settings.cross_sections else {})
    return {
        "name": grid,
        "names": names,
        "numbers": list(numbers.values()),
        "units": sorted({row["unit"] for row in rows if row["unit"]}),
        "rows": [_point(row, names, list(numbers)) for row in rows],
        "blinded": any(is_blinded(row) for row in rows),  # what failed is not, whatever its grid is
        "excluded": sum(row["excluded"] == "True" for row in rows),
        "unknown": sum(not row["expected_excluded" if is_blinded(row) else "excluded"] for row in rows),
        "expected": sum(row["expected_excluded"] == "True" for row in rows),
        "figures": [
            figure
            for name in grid_plots(results.config, grid)
            for figure in results.figure(GRID_FIGURES[name], folder / name)
        ],
        "files": [folder / name for name in ("points.csv", "points.md", SUBMISSION)],
    }


def _point(row: dict[str, str], names: list[str], numbers: list[str]) -> dict:
    """A point of a grid: texts of its cells."""
    return {
        "names": [row[name] for name in names],
        "numbers": [number(row[name]) for name in numbers],
        "answers": [ANSWERS.get(row[name], NOTHING) for name in ("excluded", "expected_excluded")],
        "reason": row["reason"],
        **_badge(row),
    }


def signal_section(results: Results, analysis: str, signal: str, anchor: str) -> dict:
    """Pictures and fits of a signal."""
    folder = RESULTS / analysis / path_name(signal)
    settings = scan_settings(results.config, analysis)
    limits = {
        calculator: results.limits[f"{analysis}/{folder.name}/{calculator}"] for calculator in settings.calculators
    }
    tests = read_tests(folder / "asymptotics", hypotest_files(settings)) if "asymptotics" in limits else []
    figures = [
        figure._replace(title=figure.title + (f" ({calculator})" if len(limits) > 1 else ""))
        for calculator in limits
        for plot in scan_plots(settings, calculator)
        for place in (folder / calculator / "plots" / plot,)
        for figure in results.figure(plot, place if place.is_dir() else place.with_suffix(".png"))
    ]
    known = {calculator: each for calculator, each in limits.items() if each is not None}
    files = [folder / "workspace.json", folder / "fit.json", *(folder / each / "limits.json" for each in limits)]
    return {
        "name": scan_name(analysis, signal),
        "anchor": anchor,
        "fit": fit_section(results.fits[analysis, signal], tests, known),
        "figures": figures,
        "files": files,
    }


def content(results: Results, problems: list[str]) -> dict:
    """Everything that the template names; `problems` are those of the configuration."""
    known = results.config["analyses"]  # the table may name others, which could not be run
    keys = list(dict.fromkeys((row["analysis"], row["signal"]) for row in results.rows if row["analysis"] in known))
    anchors = {key: f"signal-{place}" for place, key in enumerate(keys, 1)}
    found = summary.findings(results.rows, results.fits, summary.read_limits(RESULTS, results.rows))
    rows = list(limit_rows(results, anchors))
    shown = {each["anchor"]: [] for each in rows}
    for each in rows:
        shown[each["anchor"]].append(each)
    sections = [signal_section(results, *key, anchors[key]) | {"limits": shown[anchors[key]]} for key in keys]
    tables = ["limits.csv", "limits.md"] + [TOYS, "toybased.md"] * results.with_toys
    return {
        "facts": facts(results),
        "problems": problems,
        "brief": summary.brief(found),
        **found_in_full(found),
        "fine": summary.fine(found),
        "poor_fit": summary.POOR_FIT,
        "limits": rows,
        "toys": toy_rows(results),
        "grids": [grid_section(results, grid) for grid in results.config["grids"]],
        "overview": results.figure("limits", RESULTS / "plots" / "limits.png"),
        "signals": sections,
        "tables": [RESULTS / name for name in tables],
        "manifest": MANIFEST,
        "versions": versions.of_numbers(),
        "inputs": digests(inputs(results.config)),
        "config": yaml.safe_dump(without_hidden(results.config), sort_keys=False, allow_unicode=True, width=100),
    }


def found_in_full(found: list[summary.Finding]) -> dict[str, list[dict]]:
    """What may change a limit, each with its signals; and notes, a line for each kind."""
    notes = [each for each in found if each.severity == summary.NOTE]
    others = [each for each in found if each.severity != summary.NOTE]
    return {
        "findings": [
            group[0]._asdict() | {"severity": group[0].severity, "scan": summary.owners(group)}
            for group in summary.grouped(others, ("kind", "message"))
        ],
        "notes": [
            {"line": summary.line(group, LONGEST), "advice": group[0].advice} for group in summary.grouped(notes)
        ],
    }


def without_hidden(config: dict) -> dict:
    """The configuration without the observed counts in it that only blind analyses could use."""
    used = {analysis["dataset"] for analysis in config["analyses"].values()}
    hidden = used - looked_at(config)
    datasets = {
        name: unobserved(dataset) if name in hidden else dataset for name, dataset in config["datasets"].items()
    }
    return config | {"datasets": datasets}
