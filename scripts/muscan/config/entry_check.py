"""Check what a schema cannot check: names that refer to other blocks, values of mu, and files.

All functions take a complete configuration in which entries with a known problem are None.
"""

import re
from collections.abc import Iterable, Iterator

from muscan.base.words import did_you_mean
from muscan.config.dataset_check import file_problems as dataset_problems
from muscan.config.dataset_check import key_problems, observed_problems
from muscan.config.grid_check import grid_problems
from muscan.config.measurements import POI
from muscan.config.mu_values import AUTO, mu_grid
from muscan.config.problems import Owner, Problem
from muscan.config.settings import scan_settings


def reference_problems(config: dict) -> Iterator[Problem]:
    """Yield problems of names that do not exist, of values of mu, and of settings that exclude each other."""
    for name, dataset in _entries(config["datasets"]):
        yield from _owned(("datasets", name), key_problems(f"datasets.{name}", dataset))
    for name, model in _entries(config["models"]):
        yield from _owned(("models", name), _model_problems(f"models.{name}", model))
    for name, analysis in _entries(config["analyses"]):
        yield from _owned(("analyses", name), _analysis_problems(f"analyses.{name}", analysis, config))
    for name, grid in _entries(config["grids"]):
        yield from _owned(("grids", name), grid_problems(f"grids.{name}", grid, config))
    yield from _owned(("scan",), _mu_problems("scan.mu", config["scan"]["mu"]))
    yield from _owned(("scan",), _toy_problems("scan.toys", config["scan"]["toys"]))


def file_problems(config: dict, others_make: bool = False) -> Iterator[Problem]:
    """Yield problems of the files of data sets, and of the observed data that analyses use.

    Args:
        config: the configuration.
        others_make: as in `check.usable_part`.
    """
    for name, dataset in _entries(config["datasets"]):
        yield from _owned(("datasets", name), dataset_problems(f"datasets.{name}", dataset, others_make))
    for name, analysis in _entries(config["analyses"]):
        dataset = config["datasets"].get(analysis["dataset"])
        if dataset and not scan_settings(config, name).blind:
            texts = observed_problems(f"datasets.{analysis['dataset']}", dataset, others_make)
            yield from _owned(("analyses", name), texts)


def _owned(owner: Owner, texts: Iterable[str]) -> Iterator[Problem]:
    return (Problem(owner, text) for text in texts)


def _entries(block: dict) -> list[tuple[str, dict]]:
    return [(name, entry) for name, entry in block.items() if entry is not None]


def _analysis_problems(where: str, analysis: dict, config: dict) -> Iterator[str]:
    datasets, models = config["datasets"], config["models"]
    yield from _mu_problems(f"{where}.mu", analysis.get("mu"))
    yield from _toy_problems(f"{where}.toys", analysis.get("toys"))
    if analysis["dataset"] not in datasets:
        hint = did_you_mean(analysis["dataset"], list(datasets))
        yield f"{where}.dataset: there is no data set {analysis['dataset']!r} under `datasets`{hint}"
    dataset = datasets.get(analysis["dataset"])
    if dataset and "workspace" in dataset:
        if "model" in analysis:
            yield f"{where}.model: the data set is a workspace, which contains its model; remove the key"
    elif "model" in analysis and analysis["model"] not in models:
        hint = did_you_mean(analysis["model"], list(models))
        yield f"{where}.model: there is no model {analysis['model']!r} under `models`{hint}"
    elif dataset and "model" not in analysis:
        yield f"{where}: the key 'model' is missing: a data set of histograms needs a model"
    elif dataset and models[analysis["model"]]:
        yield from _scan_problems(f"{where}.likelihood_scans", analysis, models[analysis["model"]])


def _scan_problems(where: str, analysis: dict, model: dict) -> Iterator[str]:
    """Problems of the parameters along which the likelihood of an analysis is scanned."""
    known = [*dict.fromkeys(each["name"] for sample in model["samples"].values() for each in sample), POI]
    for scan in analysis.get("likelihood_scans") or []:
        for name in [scan] if isinstance(scan, str) else scan:
            if name not in known and re.sub(r"\[\d+\]$", "", name) not in known:
                yield f"{where}: the model has no parameter {name!r}{did_you_mean(name, known)}"


def _model_problems(where: str, model: dict) -> Iterator[str]:
    poi = model["poi"]
    modifiers = [modifier for sample in model["samples"].values() for modifier in sample]
    names = list(dict.fromkeys(modifier["name"] for modifier in modifiers))
    if poi not in {modifier["name"] for modifier in modifiers if modifier["type"] == "normfactor"}:
        yield f"{where}: no sample carries a normfactor {poi!r}, the parameter of interest (key `poi`)"
    parameters = {parameter["name"]: parameter for parameter in model["parameters"]}
    for name in parameters:
        if name not in names:
            yield f"{where}.parameters: no modifier has the name {name!r}{did_you_mean(name, names)}"
    missing = [key for key in ("auxdata", "sigmas", "inits", "bounds") if key not in parameters.get("lumi", {})]
    if missing and any(modifier["type"] == "lumi" for modifier in modifiers):
        yield f"{where}.parameters: a lumi modifier needs an entry with the name lumi, which lacks {', '.join(missing)}"


def _mu_problems(where: str, mu: list | dict | None) -> Iterator[str]:
    if mu is None or mu == AUTO:
        return
    if isinstance(mu, dict) and mu["number"] == 1 and mu["stop"] != mu["start"]:
        yield f"{where}: with number 1, stop ({mu['stop']:g}) must equal start ({mu['start']:g})"
    elif isinstance(mu, dict) and mu["number"] > 1 and mu["stop"] <= mu["start"]:
        yield f"{where}: the grid is empty: stop ({mu['stop']:g}) must be above start ({mu['start']:g})"
    elif len(mu_grid(mu)) < (mu["number"] if isinstance(mu, dict) else len(mu)):
        yield f"{where}: a value occurs twice; values are compared with 10 digits"


def _toy_problems(where: str, toys: dict | None) -> Iterator[str]:
    toys = toys or {}
    if "per_hypothesis" in toys and "target" in toys:
        yield f"{where}: per_hypothesis and target exclude each other; remove one"
    elif "max" in toys and "target" not in toys:
        yield f"{where}.max: only limits the number of toys for a target; add target, or remove max"
