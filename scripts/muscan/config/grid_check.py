"""Check grids of signals: their analyses, their axes, and the table of cross sections."""

from collections.abc import Iterator

from muscan.base.errors import InputError
from muscan.base.words import did_you_mean
from muscan.config import cross_sections
from muscan.config.dataset_check import input_problems
from muscan.config.settings import scan_settings, source_of
from muscan.config.signals import label_values, signal_names
from muscan.records.columns import label_column


def grid_problems(where: str, grid: dict, config: dict) -> Iterator[str]:
    """Yield the problems of a grid: with its analyses, its labels or its cross sections."""
    complete = True
    for analysis in grid["analyses"]:
        entry = config["analyses"].get(analysis)
        if analysis not in config["analyses"]:
            hint = did_you_mean(analysis, list(config["analyses"]))
            yield f"{where}.analyses: there is no analysis {analysis!r} under `analyses`{hint}"
        elif entry and "workspace" not in (config["datasets"].get(entry["dataset"]) or {"workspace": {}}):
            yield f"{where}.analyses: {analysis!r} has a single signal; a grid needs a `workspace` with patches"
        complete = complete and bool(entry and (config["datasets"].get(entry["dataset"]) or {}).get("workspace"))
    if complete:
        yield from _label_problems(where, grid, config)
        yield from _mixture_problems(where, grid, config)
    if grid["x"] == grid.get("y"):
        yield f"{where}.y: must be a label different from x"
    file = grid.get("cross_sections", {}).get("csv")
    texts = list(input_problems(f"{where}.cross_sections.csv", file)) if file else []
    yield from texts
    if file and complete and not texts:
        yield from _cross_section_problems(f"{where}.cross_sections.csv", grid, config)


def _mixture_problems(where: str, grid: dict, config: dict) -> Iterator[str]:
    """Yield problems of settings that differ between the analyses, so that their limits cannot be compared."""
    for key in ("confidence_level", "test_statistic", "blind"):
        values = {analysis: getattr(scan_settings(config, analysis), key) for analysis in grid["analyses"]}
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{value} of {analysis!r}" for analysis, value in values.items())
            yield f"{where}.analyses: limits of different {key} cannot be compared: {listed}"


def _label_problems(where: str, grid: dict, config: dict) -> Iterator[str]:
    """Yield problems of axes for which signals have no values, and of a calculator that an analysis does not use."""
    for analysis in grid["analyses"]:
        try:
            values = list(label_values(source_of(config, analysis)[1]).values())
        except (InputError, OSError):
            continue  # reported with the data set
        known = list(dict.fromkeys(label for each in values for label in each))
        for axis in ("x", "y"):
            label = grid.get(axis)
            if label is not None and label not in known:
                hint = did_you_mean(label, known) or (f"; there are {', '.join(known)}" if known else "")
                yield f"{where}.{axis}: the signals of {analysis!r} have no label {label!r}{hint}"
        for label in grid["axis_labels"]:
            if label not in known:
                hint = did_you_mean(label, known)
                yield f"{where}.axis_labels: the signals of {analysis!r} have no label {label!r}{hint}"
        calculators = scan_settings(config, analysis).calculators
        if grid.get("calculator", calculators[0]) not in calculators:
            yield f"{where}.calculator: {analysis!r} does not use {grid['calculator']!r}, only {', '.join(calculators)}"


def _cross_section_problems(where: str, grid: dict, config: dict) -> Iterator[str]:
    """Yield the reason why a table of cross sections cannot be used for the points of a grid, if there is one."""
    points, labels = [], []
    try:
        for analysis in grid["analyses"]:
            block = source_of(config, analysis)[1]
            values = label_values(block)
            for name in signal_names(block).values():
                columns = {label_column(label): value for label, value in values.get(name, {}).items()}
                points.append({"signal": name, **columns})
            labels += [label_column(label) for each in values.values() for label in each]
    except (InputError, OSError):
        return  # reported with the data set
    try:
        cross_sections.check(grid["cross_sections"]["csv"], list(dict.fromkeys(labels)), points)
    except (InputError, OSError) as error:
        yield f"{where}: {error}"
