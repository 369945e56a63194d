"""The content of the report: everything that its template shows."""

from os.path import basename
from typing import Any

import yaml

from muscan.base import versions
from muscan.base.versions import ROOT
from muscan.config.datasets import unblinded_datasets, without_observed
from muscan.config.grids import grid_plots, grid_settings
from muscan.config.result_files import MANIFEST, REPORT_PARTS, SUBMISSION, all_inputs, hypotest_files
from muscan.config.settings import TOYBASED, scan_plots, scan_settings
from muscan.config.signals import path_name, scan_name
from muscan.records.columns import label_column
from muscan.report.captions import PARTS
from muscan.report.cells import grid_point_cells, limit_rows, toy_cells
from muscan.report.fit_section import fit_section, read_tests
from muscan.report.measured.sections import measured_sections
from muscan.report.run_findings import NOTE, POOR_FIT, RunFinding, collect_findings, read_limits
from muscan.report.run_results import TOYS_TABLE, RunResults
from muscan.report.summary import describe_all_clear, describe_group, group_findings, scan_names, summary_lines
from muscan.results.manifest import digests
from muscan.results.table_rows import POINTS, has_significances, is_blinded, read_table

TEMPLATE, CAPTIONS = (ROOT / part for part in REPORT_PARTS[:2])  # the template includes the style
GRID_CAPTIONS = {
    "plots/exclusion.png": "exclusion", "plots/limits": "mass_limits",
    "plots/significance.png": "significance", "plots/p0": "p0",
}  # keys of captions by picture  # fmt: skip
STATISTICS = {"qtilde": "q̃μ, with mu_hat not below zero", "q": "qμ"}
POINT_COLUMNS = {"observed_limit": "μ obs.", "expected": "μ exp.", "CLs_obs": "CLs obs.", "CLs_exp": "CLs exp."}
SIGNIFICANCES = {"obs": "Z obs.", "exp": "Z exp."}  # headings by kind
CROSS_SECTION_COLUMNS = {
    "cross_section": "Predicted xsec", "xsec_observed_limit": "xsec limit obs.", "xsec_expected": "xsec limit exp.",
}  # fmt: skip
LONGEST = 1000  # largest number of letters of a note


def page_content(results: RunResults, problems: list[str]) -> dict[str, Any]:
    """Return everything that the template shows.

    Args:
        results: the results of the run.
        problems: parts of the configuration that could not be run, and why.
    """
    known = results.config["analyses"]  # the table has rows of analyses that could not be run as well
    signals = list(dict.fromkeys((row["analysis"], row["signal"]) for row in results.rows if row["analysis"] in known))
    anchors = {signal: f"signal-{place}" for place, signal in enumerate(signals, 1)}
    findings = collect_findings(results.rows, results.fits, read_limits(results.folder, results.rows))
    rows = list(limit_rows(results, anchors))
    rows_by_anchor: dict[str | None, list[dict]] = {}
    for row in rows:
        rows_by_anchor.setdefault(row["anchor"], []).append(row)
    sections = [
        signal_section(results, *signal, anchor) | {"limits": rows_by_anchor[anchor]}
        for signal, anchor in anchors.items()
    ]
    names = ["limits.csv", "limits.md", *[TOYS_TABLE, TOYS_TABLE.replace(".csv", ".md")] * results.with_toys]
    return {
        "caption_parts": PARTS.items(),
        "facts": headline_facts(results),
        "problems": problems,
        "summary": summary_lines(findings),
        "all_clear": describe_all_clear(findings),
        **list_findings(findings),
        "poor_fit": POOR_FIT,
        "limits": rows,
        "toys": [toy_cells(row) for row in results.toy_rows],
        "grids": [grid_section(results, grid) for grid in results.config["grids"]],
        "overview": results.figures("limits", results.folder / "plots" / "limits.png"),
        "signals": sections,
        "tables": [results.folder / name for name in names],
        "manifest": results.folder / basename(MANIFEST),
        "versions": versions.numerical_versions(),
        "inputs": digests(all_inputs(results.config)),
        "config": _config_text(results.config),
    }


def headline_facts(results: RunResults) -> dict[str, Any]:
    """Return the numbers and names of the first paragraph."""
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


def list_findings(findings: list[RunFinding]) -> dict[str, list[dict]]:
    """Return all findings for the report.

    Returns:
        `findings`, what may change a limit: one entry for each message, with its scans; and `notes`: one entry for each
        kind.
    """
    notes = [finding for finding in findings if finding.severity == NOTE]
    others = [finding for finding in findings if finding.severity != NOTE]
    return {
        "findings": [
            group[0]._asdict() | {"severity": group[0].severity, "scan": scan_names(group)}
            for group in group_findings(others, ("kind", "message"))
        ],
        "notes": [
            {"line": describe_group(group, LONGEST), "advice": group[0].advice} for group in group_findings(notes)
        ],
    }


def grid_section(results: RunResults, grid: str) -> dict[str, Any]:
    """Return the pictures and points of a grid of signals."""
    folder = results.folder / "grids" / grid
    rows = read_table(folder / "points.csv", POINTS)
    settings = grid_settings(results.config, grid)
    axes = [label_column(axis) for axis in (settings.x, settings.y) if axis is not None]
    names = ["signal", *(name for name in axes if name in rows[0]), *["analysis"] * (len(settings.analyses) > 1)]
    numbers = POINT_COLUMNS | (CROSS_SECTION_COLUMNS if settings.cross_sections else {})
    kinds = SIGNIFICANCES if has_significances(rows) else {}
    return {
        "name": grid,
        "names": names,
        "numbers": [*numbers.values(), *kinds.values()],
        "units": sorted({row["unit"] for row in rows if row["unit"]}),
        "rows": [grid_point_cells(row, names, list(numbers), list(kinds)) for row in rows],
        "blinded": any(is_blinded(row) for row in rows),  # points that failed are not, even in a blind analysis
        "excluded": sum(row["excluded"] == "True" for row in rows),
        "unknown": sum(not row["expected_excluded" if is_blinded(row) else "excluded"] for row in rows),
        "expected": sum(row["expected_excluded"] == "True" for row in rows),
        "figures": [
            figure
            for name in grid_plots(results.config, grid)
            for figure in results.figures(GRID_CAPTIONS[name], folder / name)
        ],
        "files": [folder / name for name in ("points.csv", "points.md", SUBMISSION)],
    }


def signal_section(results: RunResults, analysis: str, signal: str, anchor: str) -> dict[str, Any]:
    """Return the pictures and fits of a signal."""
    folder = results.folder / analysis / path_name(signal)
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
        for figure in results.figures(plot, place if place.is_dir() else place.with_suffix(".png"))
    ]
    known = {calculator: scan for calculator, scan in limits.items() if scan is not None}
    names = ["workspace.json", "fit.json", *(f"{calculator}/limits.json" for calculator in limits)]
    measured = list(settings.measurements.files(settings.calculators))
    return {
        "name": scan_name(analysis, signal),
        "anchor": anchor,
        "fit": fit_section(results.fits[analysis, signal], tests, known),
        "measured": measured_sections(folder, measured),
        "figures": figures,
        "files": [folder / name for name in [*names, *measured]],
    }


def without_blinded_counts(config: dict) -> dict:
    """Return the configuration without the observed events of data sets that only blind analyses use."""
    used = {analysis["dataset"] for analysis in config["analyses"].values()}
    hidden = used - unblinded_datasets(config)
    datasets = {
        name: without_observed(dataset) if name in hidden else dataset for name, dataset in config["datasets"].items()
    }
    return config | {"datasets": datasets}


def _config_text(config: dict) -> str:
    return yaml.safe_dump(without_blinded_counts(config), sort_keys=False, allow_unicode=True, width=100)
