"""The configuration: checked against its schema and against the files it names, and turned into grids and signals.

The Snakefile and its rules call this module; it knows nothing of Snakemake.
"""

import difflib
import math
from collections.abc import Iterator
from fnmatch import fnmatchcase
from glob import glob
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import jsonschema
import yaml

from files import read_json
from inference.errors import InputError

SCAN_DEFAULTS = {
    "mu": {"start": 0, "stop": 10, "number": 41},
    "mu_per_job": 1,
    "confidence_level": 0.95,
    "test_statistic": "qtilde",
    "calculators": ["asymptotics"],
    "interpolation": {},
    "plots": ["brazil", "yields", "pulls"],
}
INTERPOLATION_DEFAULTS = {"normsys": "code4", "histosys": "code4p"}
CHANNEL_PLOTS = ["yields"]  # plots with one picture per channel, in a folder
ONLY_SIGNAL = "signal"  # name of the signal of an analysis without patches


class ConfigError(Exception):
    """All problems of a configuration, one per line."""


def check(config: dict, schema_file: str | Path) -> None:
    """Check a configuration.

    Raises:
        ConfigError: naming the key of every problem and what to do.
    """
    schema = yaml.safe_load(Path(schema_file).read_text(encoding="utf-8"))
    problems = [
        problem
        for error in jsonschema.Draft202012Validator(schema).iter_errors(config)
        for problem in _schema_problems(error)
    ]
    problems = problems or list(_reference_problems(config)) or list(_file_problems(config))
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))


def scan_settings(config: dict, analysis: str) -> dict:
    """Settings of the scan of an analysis: its own, those under `scan`, the defaults, in this order."""
    settings = SCAN_DEFAULTS | config.get("scan", {}) | config["analyses"][analysis]
    return settings | {"interpolation": INTERPOLATION_DEFAULTS | settings["interpolation"]}


def mu_grid(mu: list | dict) -> list[str]:
    """Tested values of mu as text, ascending; they stay text until a script parses them.

    Args:
        mu: a list of values, or `start`, `stop` (included) and `number`.
    """
    if isinstance(mu, dict):
        steps = max(mu["number"] - 1, 1)
        values = [mu["start"] + (mu["stop"] - mu["start"]) * i / steps for i in range(mu["number"])]
    else:
        values = mu
    return list(dict.fromkeys(f"{value:.10g}" for value in sorted(values)))


def mu_jobs(mu: list[str], mu_per_job: int) -> dict[str, list[str]]:
    """Consecutive values that one job tests, by the label that stands in its file name."""
    chunks = [mu[i : i + mu_per_job] for i in range(0, len(mu), mu_per_job)]
    return {chunk[0] if len(chunk) == 1 else f"{chunk[0]}_to_{chunk[-1]}": chunk for chunk in chunks}


def poi_bound(mu: list[str]) -> int:
    """The mu that fits must be able to reach: 10, 20, 40, ..., so that it seldom changes when a scan grows."""
    bound = 10
    while bound < float(mu[-1]):
        bound *= 2
    return bound


def signal_names(source: dict) -> dict[str, str]:
    """Signals of a `workspace` source: {name in paths: name}.

    Raises:
        InputError: if the patches cannot be read, or a wanted signal is not among them.
    """
    known = list(_known_signals(source))
    wanted = source.get("signals", "all")
    if wanted == "all":
        names = known
    elif isinstance(wanted, str):
        names = [name for name in known if fnmatchcase(name, wanted)]
        if not names:
            raise InputError(f"no signal matches {wanted!r}; there are {_some(known)}")
    else:
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise InputError("; ".join(f"there is no signal {name!r}{_hint(name, known)}" for name in unknown))
        names = wanted
    return {path_name(name): name for name in names}


def path_name(name: str) -> str:
    """A name from a file as a part of a path: percent-encoded, as in a URL."""
    encoded = quote(name, safe="+,=@")
    return "%2E" + encoded[1:] if encoded.startswith(".") else encoded


def workspace_files(source: dict, signal: str) -> dict[str, str]:
    """Files that make the workspace of a signal, by the option of patch_workspace.py that takes them."""
    files = {"workspace": source["file"]}
    if "patches" in source:
        files["patch"] = _loose_patches(source["patches"])[signal]
    elif "patchset" in source:
        files["patchset"] = source["patchset"]
    return files


def input_files(dataset: dict) -> list[str]:
    """Files outside of the results that the configuration of a data set names."""
    return [path for _, path in _files(dataset)]


def _known_signals(source: dict) -> list[str]:
    if "patches" in source:
        return sorted(_loose_patches(source["patches"]))
    if "patchset" in source:
        patchset = read_json(source["patchset"])
        try:
            return [patch["metadata"]["name"] for patch in patchset["patches"]]
        except (KeyError, TypeError) as error:
            raise InputError(f"{source['patchset']}: not a patch set: no names of patches") from error
    return [ONLY_SIGNAL]


def _loose_patches(pattern: str) -> dict[str, str]:
    """{name: file} of a folder or a glob pattern."""
    files = sorted(glob(f"{pattern}/*.json" if Path(pattern).is_dir() else pattern))
    if not files:
        raise InputError(f"{pattern}: no JSON files")
    return {Path(file).name.removesuffix(".json"): file for file in files}


def _schema_problems(error: jsonschema.ValidationError) -> Iterator[str]:
    """Problems in words that name the key."""
    where = ".".join(str(part) for part in error.absolute_path) or "the top level"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {}))
        for key in set(error.instance) - set(known):
            yield f"{where}: unknown key {key!r}{_hint(key, known) or '; known are ' + ', '.join(known)}"
    elif error.validator == "propertyNames" or "propertyNames" in error.absolute_schema_path:
        yield f"{where}: {error.instance!r} cannot stand here: {_rule_of_names(error)}"
    elif error.validator == "enum":
        known = [str(value) for value in error.validator_value]
        yield f"{where}: {error.instance!r} is not one of {', '.join(known)}{_hint(str(error.instance), known)}"
    elif error.validator in ("minProperties", "maxProperties"):
        known = list(error.schema.get("properties", {}))
        yield f"{where}: needs {'exactly one of ' + ', '.join(known) if known else 'at least one entry'}"
    elif error.validator == "dependentSchemas" or error.validator == "not":
        yield f"{where}: patchset and patches exclude one another"
    elif error.validator == "minItems":
        yield f"{where}: needs at least {error.validator_value} entries"
    else:
        yield f"{where}: {error.message}"


def _rule_of_names(error: jsonschema.ValidationError) -> str:
    if error.validator == "enum":
        return f"known are {', '.join(error.validator_value)}"
    if error.validator == "not":
        return "the name is reserved"
    return "names consist of letters, digits and . _ + -, begin with a letter or digit, and have at most 100 characters"


def _reference_problems(config: dict) -> Iterator[str]:
    """What a schema cannot say: names that refer to other blocks, and grids."""
    datasets, models = config["datasets"], config.get("models", {})
    for name, dataset in datasets.items():
        yield from _simulate_problems(f"datasets.{name}.simulate", dataset.get("simulate"))
    for name, model in models.items():
        poi = model.get("poi", "mu")
        modifiers = [modifier for sample in model["samples"].values() for modifier in sample]
        if poi not in {modifier["name"] for modifier in modifiers if modifier["type"] == "normfactor"}:
            yield f"models.{name}: no sample carries a normfactor {poi!r}, the parameter of interest (key `poi`)"
    for name, analysis in config["analyses"].items():
        where = f"analyses.{name}"
        if analysis["dataset"] not in datasets:
            hint = _hint(analysis["dataset"], list(datasets))
            yield f"{where}.dataset: there is no data set {analysis['dataset']!r} under `datasets`{hint}"
            continue
        is_workspace = "workspace" in datasets[analysis["dataset"]]
        if is_workspace and "model" in analysis:
            yield f"{where}.model: the data set is a workspace, which is a model already; remove the key"
        elif not is_workspace and analysis.get("model") not in models:
            model = analysis.get("model")
            missing = f"there is no model {model!r} under `models`{_hint(str(model), list(models))}"
            yield f"{where}.model: {missing if model else 'needed, since the data set has histograms'}"
    for where, settings in [("scan", config.get("scan", {})), *_named(config["analyses"])]:
        yield from _grid_problems(f"{where}.mu", settings.get("mu", [0]))


def _named(analyses: dict) -> list[tuple[str, dict]]:
    return [(f"analyses.{name}", analysis) for name, analysis in analyses.items()]


def _grid_problems(where: str, mu: list | dict) -> Iterator[str]:
    values = list(mu.values()) if isinstance(mu, dict) else mu
    if not all(math.isfinite(value) for value in values):
        yield f"{where}: a value is not finite"
    elif isinstance(mu, dict) and (mu["stop"] <= mu["start"] if mu["number"] > 1 else mu["stop"] != mu["start"]):
        yield f"{where}: the grid is empty: stop ({mu['stop']:g}) must be above start ({mu['start']:g})"


def _simulate_problems(where: str, spec: dict | None) -> Iterator[str]:
    if spec is None:
        return
    bins = spec["bins"]
    if isinstance(bins, dict):
        ascending = bins["low"] < bins["high"]
    else:
        ascending = all(low < high for low, high in pairwise(bins))
    if not ascending:
        yield f"{where}.bins: the edges must ascend"
    for name, component in spec["components"].items():
        if component["shape"] == "uniform" and component["low"] >= component["high"]:
            yield f"{where}.components.{name}: low must be below high"


def _file_problems(config: dict) -> Iterator[str]:
    """Files that are missing, and signals that the patches do not have."""
    for name, dataset in config["datasets"].items():
        where = f"datasets.{name}"
        missing = [(key, path) for key, path in _files(dataset) if not Path(path).is_file()]
        for key, path in missing:
            yield f"{where}.{key}: there is no file {path!r} (seen from {Path.cwd()})"
        if "workspace" in dataset and not missing:
            try:
                signal_names(dataset["workspace"])
            except InputError as error:
                yield f"{where}.workspace.signals: {error}"


def _files(dataset: dict) -> Iterator[tuple[str, str]]:
    histograms, workspace = dataset.get("histograms", {}), dataset.get("workspace", {})
    if "csv" in histograms:
        yield "histograms.csv", histograms["csv"]
    if "root" in histograms:
        yield "histograms.root.file", histograms["root"]["file"]
    for key in ("file", "patchset"):
        if key in workspace:
            yield f"workspace.{key}", workspace[key]


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _some(names: list[str], most: int = 8) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more
