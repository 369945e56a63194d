"""The check of a configuration: against its schema, its own names, and the files it names.

All problems are reported at once, each with the key, what is wrong and what to do.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import jsonschema
import yaml

from muscan.base.errors import InputError
from muscan.base.words import did_you_mean
from muscan.config import cross_sections
from muscan.config.dataset_check import file_problems, input_problems, key_problems, observed_problems
from muscan.config.schema_words import place, schema_problems
from muscan.config.settings import AUTO, mu_grid, scan_settings, source_of
from muscan.config.signals import label_values, signal_names
from muscan.records.columns import label_column

BLOCKS = ("datasets", "models", "scan", "analyses", "grids")
ENTRIES = ("datasets", "models", "analyses", "grids")  # blocks whose entries can be wrong one by one

# A number with a decimal point is not whole, even 2.0: range() does not take it.
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


Owner = tuple  # (block, name) of the entry that has a problem; shorter if all entries are concerned


class ConfigError(Exception):
    """All problems of a configuration, one per line."""


class Problem(NamedTuple):
    """Something that is wrong, with its key and what to do."""

    owner: Owner
    text: str


def check(config: dict, schema_file: str | Path) -> None:
    """Check a configuration.

    Raises:
        ConfigError: naming the key of every problem and what to do.
    """
    found = problems(config, schema_file)
    if found:
        raise ConfigError(_lines(found))


def _lines(found: list[Problem]) -> str:
    """A line for each problem, which several analyses may have."""
    return "\n".join(dict.fromkeys(problem.text for problem in found))


def usable(config: dict, schema_file: str | Path) -> tuple[dict, dict[str, str], list[str]]:
    """What can be used of a configuration: the analyses that have no problem, and the grids of such analyses alone.

    Returns:
        that part of the configuration; why each other analysis cannot be run, {analysis: reason}; all problems.

    Raises:
        ConfigError: if a problem concerns all analyses, or no analysis is left.
    """
    found = problems(config, schema_file)
    broken = {problem.owner for problem in found}
    if not broken:
        return dict(config), {}, []
    whole = ConfigError(_lines(found))
    if any(len(owner) < 2 or owner[0] not in ENTRIES for owner in broken):
        raise whole
    found += [problem for problem in _consequences(config, found) if problem.owner not in broken]
    broken = {problem.owner for problem in found}
    kept = {
        block: {name: entry for name, entry in config[block].items() if (block, name) not in broken}
        for block in ENTRIES
        if block in config
    }
    if not kept["analyses"]:
        raise whole
    return config | kept, _reasons(config, found), list(dict.fromkeys(problem.text for problem in found))


def without_row(problems: list[str], reasons: dict[str, str]) -> list[str]:
    """Problems that are no reason of an analysis, such as those of grids."""
    return [text for text in problems if not any(text in reason for reason in reasons.values())]


def _reasons(config: dict, found: list[Problem]) -> dict[str, str]:
    """{analysis: why} of the analyses that have problems, in their order."""
    reasons: dict[str, list[str]] = {}
    for problem in found:
        if problem.owner[0] == "analyses":
            reasons.setdefault(problem.owner[1], []).append(problem.text)
    return {name: "; ".join(reasons[name]) for name in config["analyses"] if name in reasons}


def _consequences(config: dict, found: list[Problem]) -> Iterator[Problem]:
    """Analyses whose data set or model has a problem, and grids of which an analysis has one."""
    texts: dict[tuple, list[str]] = {}
    for problem in found:
        texts.setdefault(problem.owner, []).append(problem.text)
    lost = {name for block, name in texts if block == "analyses"}
    for name, analysis in config["analyses"].items():
        if name in lost or not isinstance(analysis, dict):
            continue
        for block, key in (("datasets", "dataset"), ("models", "model")):
            for text in texts.get((block, analysis.get(key)), ()):
                lost.add(name)
                yield Problem(("analyses", name), text)
    for name, grid in config.get("grids", {}).items():
        missing = [each for each in grid["analyses"] if each in lost] if ("grids", name) not in texts else []
        if missing:
            yield Problem(("grids", name), f"grids.{name}: needs {', '.join(missing)}, which cannot be run")


def problems(config: dict, schema_file: str | Path) -> list[Problem]:
    """All problems of a configuration, each once."""
    schema = yaml.safe_load(Path(schema_file).read_text(encoding="utf-8"))
    errors = sorted(_Validator(schema).iter_errors(config), key=lambda error: _position(error.absolute_path, config))
    found = [Problem(_owner(error.absolute_path), text) for error in errors for text in schema_problems(error)]
    infinite = dict(_infinite(config))
    found += [
        Problem(_owner(path), f"{place(path)}: needs a finite number, has {value}") for path, value in infinite.items()
    ]
    sound = _sound(config, {problem.owner for problem in found})
    found += [*_reference_problems(sound), *_file_problems(sound)] if sound else []
    return list(dict.fromkeys(found))


def _position(path: Iterable[str | int], value) -> list[int]:
    """Where a place comes in a configuration; a validator finds the entries of a block in any order."""
    position = []
    for part in path:
        position.append(list(value).index(part) if isinstance(value, dict) else part)
        value = value[part]
    return position


def _owner(path: Iterable[str | int]) -> Owner:
    """The entry of a block to which a place in the configuration belongs; less where it belongs to none."""
    return tuple(path)[:2]


def _owned(owner: Owner, texts: Iterable[str]) -> Iterator[Problem]:
    return (Problem(owner, text) for text in texts)


def _infinite(value, path: tuple = ()) -> Iterator[tuple[tuple, float]]:
    """Numbers that are not finite, which a schema cannot exclude, with their places."""
    if isinstance(value, (dict, list)):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(each, (*path, key))
    elif isinstance(value, (int, float)) and not abs(value) <= sys.float_info.max:
        yield path, value


def _sound(config: dict, broken: set[tuple]) -> dict | None:
    """The configuration with None for each entry that has a problem, without such settings; None if a block is none."""
    if not isinstance(config, dict):
        return None
    blocks = {"models": {}, "scan": {}, "grids": {}, "datasets": None, "analyses": None} | config
    if not all(isinstance(blocks[name], dict) for name in BLOCKS) or not blocks["datasets"]:
        return None
    sound = {
        block: {
            name: None if (block, name) in broken or not isinstance(name, str) else entry
            for name, entry in blocks[block].items()
        }
        for block in BLOCKS
    }
    return sound | {"scan": {name: entry for name, entry in sound["scan"].items() if entry is not None}}


def _reference_problems(config: dict) -> Iterator[Problem]:
    """What a schema cannot say: names that refer to other blocks, and grids."""
    for name, dataset in _entries(config["datasets"]):
        yield from _owned(("datasets", name), key_problems(f"datasets.{name}", dataset))
    for name, model in _entries(config["models"]):
        yield from _owned(("models", name), _model_problems(f"models.{name}", model))
    for name, analysis in _entries(config["analyses"]):
        yield from _owned(("analyses", name), _analysis_problems(f"analyses.{name}", analysis, config))
    for name, grid in _entries(config["grids"]):
        yield from _owned(("grids", name), _signal_grid_problems(f"grids.{name}", grid, config))
    yield from _owned(("scan",), _grid_problems("scan.mu", config["scan"].get("mu")))
    yield from _owned(("scan",), _toy_problems("scan.toys", config["scan"].get("toys")))


def _analysis_problems(where: str, analysis: dict, config: dict) -> Iterator[str]:
    datasets, models = config["datasets"], config["models"]
    yield from _grid_problems(f"{where}.mu", analysis.get("mu"))
    yield from _toy_problems(f"{where}.toys", analysis.get("toys"))
    if analysis["dataset"] not in datasets:
        hint = did_you_mean(analysis["dataset"], list(datasets))
        yield f"{where}.dataset: there is no data set {analysis['dataset']!r} under `datasets`{hint}"
    dataset = datasets.get(analysis["dataset"])
    if dataset and "workspace" in dataset:
        if "model" in analysis:
            yield f"{where}.model: the data set is a workspace, which is a model already; remove the key"
    elif "model" in analysis and analysis["model"] not in models:
        hint = did_you_mean(analysis["model"], list(models))
        yield f"{where}.model: there is no model {analysis['model']!r} under `models`{hint}"
    elif dataset and "model" not in analysis:
        yield f"{where}: the key 'model' is missing: the data set has histograms, and needs one"


def _entries(block: dict) -> list[tuple[str, dict]]:
    return [(name, entry) for name, entry in block.items() if entry is not None]


def _model_problems(where: str, model: dict) -> Iterator[str]:
    poi = model.get("poi", "mu")
    modifiers = [modifier for sample in model["samples"].values() for modifier in sample]
    names = list(dict.fromkeys(modifier["name"] for modifier in modifiers))
    if poi not in {modifier["name"] for modifier in modifiers if modifier["type"] == "normfactor"}:
        yield f"{where}: no sample carries a normfactor {poi!r}, the parameter of interest (key `poi`)"
    parameters = {parameter["name"]: parameter for parameter in model.get("parameters", [])}
    for name in parameters:
        if name not in names:
            yield f"{where}.parameters: no modifier has the name {name!r}{did_you_mean(name, names)}"
    missing = [key for key in ("auxdata", "sigmas", "inits", "bounds") if key not in parameters.get("lumi", {})]
    if missing and any(modifier["type"] == "lumi" for modifier in modifiers):
        yield f"{where}.parameters: a lumi modifier needs an entry with the name lumi, which lacks {', '.join(missing)}"


def _grid_problems(where: str, mu: list | dict | None) -> Iterator[str]:
    if mu is None or mu == AUTO:
        return
    if isinstance(mu, dict) and mu["number"] == 1 and mu["stop"] != mu["start"]:
        yield f"{where}: with number 1, stop ({mu['stop']:g}) must equal start ({mu['start']:g})"
    elif isinstance(mu, dict) and mu["number"] > 1 and mu["stop"] <= mu["start"]:
        yield f"{where}: the grid is empty: stop ({mu['stop']:g}) must be above start ({mu['start']:g})"
    elif len(mu_grid(mu)) < (mu["number"] if isinstance(mu, dict) else len(mu)):
        yield f"{where}: a value stands twice; values count as equal if their first 10 digits are"


def _toy_problems(where: str, toys: dict | None) -> Iterator[str]:
    toys = toys or {}
    if "per_hypothesis" in toys and "target" in toys:
        yield f"{where}: per_hypothesis and target exclude one another; remove one"
    elif "max" in toys and "target" not in toys:
        yield f"{where}.max: bounds the toys that a target asks for; give target, or remove max"


def _signal_grid_problems(where: str, grid: dict, config: dict) -> Iterator[str]:
    """Grids whose analyses, labels or cross sections are not there."""
    sound = True
    for analysis in grid["analyses"]:
        entry = config["analyses"].get(analysis)
        if analysis not in config["analyses"]:
            hint = did_you_mean(analysis, list(config["analyses"]))
            yield f"{where}.analyses: there is no analysis {analysis!r} under `analyses`{hint}"
        elif entry and "workspace" not in (config["datasets"].get(entry["dataset"]) or {"workspace": {}}):
            yield f"{where}.analyses: {analysis!r} has a single signal; a grid needs a `workspace` with patches"
        sound = sound and bool(entry and (config["datasets"].get(entry["dataset"]) or {}).get("workspace"))
    if sound:
        yield from _label_problems(where, grid, config)
        yield from _mixture_problems(where, grid, config)
    if grid["x"] == grid.get("y"):
        yield f"{where}.y: must be another label than x"
    file = grid.get("cross_sections", {}).get("csv")
    texts = list(input_problems(f"{where}.cross_sections.csv", file)) if file else []
    yield from texts
    if file and sound and not texts:
        yield from _cross_section_problems(f"{where}.cross_sections.csv", grid, config)


def _mixture_problems(where: str, grid: dict, config: dict) -> Iterator[str]:
    """Analyses whose limits cannot be compared."""
    for key in ("confidence_level", "test_statistic", "blind"):
        values = {analysis: scan_settings(config, analysis)[key] for analysis in grid["analyses"]}
        if len(set(values.values())) > 1:
            each = ", ".join(f"{value} of {analysis!r}" for analysis, value in values.items())
            yield f"{where}.analyses: limits of different {key} cannot be compared: {each}"


def _label_problems(where: str, grid: dict, config: dict) -> Iterator[str]:
    """Axes that the signals have no values for, and calculators that the analyses do not use."""
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
        for label in grid.get("axis_labels", {}):
            if label not in known:
                hint = did_you_mean(label, known)
                yield f"{where}.axis_labels: the signals of {analysis!r} have no label {label!r}{hint}"
        calculators = scan_settings(config, analysis)["calculators"]
        if grid.get("calculator", calculators[0]) not in calculators:
            yield f"{where}.calculator: {analysis!r} does not use {grid['calculator']!r}, only {', '.join(calculators)}"


def _cross_section_problems(where: str, grid: dict, config: dict) -> Iterator[str]:
    """A table that cannot be used for the points of the grid."""
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


def _file_problems(config: dict) -> Iterator[Problem]:
    """What is missing of data sets, and of the observed data that analyses look at."""
    for name, dataset in _entries(config["datasets"]):
        yield from _owned(("datasets", name), file_problems(f"datasets.{name}", dataset))
    for name, analysis in _entries(config["analyses"]):
        dataset = config["datasets"].get(analysis["dataset"])
        if dataset and not scan_settings(config, name)["blind"]:
            yield from _owned(("analyses", name), observed_problems(f"datasets.{analysis['dataset']}", dataset))
