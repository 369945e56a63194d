"""The configuration: checked against its schema and against the files it names, and turned into grids and signals.

The Snakefile and its rules call this module; it knows nothing of Snakemake.
"""

import difflib
import reprlib
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from glob import escape, glob
from itertools import pairwise
from os.path import isdir, isfile
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
BLOCKS = ("datasets", "models", "scan", "analyses")
ONLY_SIGNAL = "signal"  # name of the signal of an analysis without patches


LONGEST_SIGNAL = 200  # characters of a name in a path; file systems take 255

# The words of messages.
TYPES = {
    "object": "a block of keys",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}
RANGES = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}

# A number with a decimal point is not whole, even 2.0: range() does not take it.
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


class ConfigError(Exception):
    """All problems of a configuration, one per line."""


def check(config: dict, schema_file: str | Path) -> None:
    """Check a configuration.

    Raises:
        ConfigError: naming the key of every problem and what to do.
    """
    schema = yaml.safe_load(Path(schema_file).read_text(encoding="utf-8"))
    errors = list(_Validator(schema).iter_errors(config))
    problems = [problem for error in errors for problem in _schema_problems(error)]
    infinite = dict(_infinite(config))
    problems += [f"{_key(path)}: needs a finite number, has {value}" for path, value in infinite.items()]
    sound = _sound(config, {tuple(path)[:2] for path in (*(error.absolute_path for error in errors), *infinite)})
    problems += [*_reference_problems(sound), *_file_problems(sound)] if sound else []
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
    return list(dict.fromkeys(f"{value + 0.0:.10g}" for value in sorted(values)))  # + 0.0: no minus before a zero


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
            names = [patch["metadata"]["name"] for patch in patchset["patches"]]
        except (KeyError, TypeError) as error:
            raise InputError(f"{source['patchset']}: not a patch set: no names of patches") from error
        for name in names:
            if not _can_name_a_folder(name):
                raise InputError(f"{source['patchset']}: a patch has the name {name!r}, which cannot become a folder")
            if names.count(name) > 1:
                raise InputError(f"{source['patchset']}: two patches have the name {name!r}")
        return names
    return [ONLY_SIGNAL]


def _can_name_a_folder(name) -> bool:
    return isinstance(name, str) and name.isprintable() and 0 < len(path_name(name)) <= LONGEST_SIGNAL


def _loose_patches(pattern: str) -> dict[str, str]:
    """{name: file} of a folder or a glob pattern."""
    files = sorted(glob(f"{escape(pattern)}/*.json" if isdir(pattern) else pattern))
    if not files:
        raise InputError(f"there are no JSON files {pattern!r} (seen from {Path.cwd()})")
    patches: dict[str, str] = {}
    for file in files:
        other = patches.setdefault(Path(file).name.removesuffix(".gz").removesuffix(".json"), file)
        if other != file:
            raise InputError(f"two patches have one name: {other} and {file}")
    return patches


def _key(path: Iterable[str | int]) -> str:
    """A place in the configuration: `scan.mu[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "the top level"


def _schema_problems(error: jsonschema.ValidationError) -> Iterator[str]:
    """Problems in words that name the key."""
    where, value, rule = _key(error.absolute_path), error.instance, error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        yield f"{where}: {_name_problem(error)}"
    elif error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for key in value:
            if key not in known:
                yield f"{where}: unknown key {key!r}{_hint(key, known) or '; known are ' + ', '.join(known)}"
    elif error.validator == "required":
        # One error for each key that is missing; its message begins with the key.
        yield f"{where}: the key {error.message.removesuffix(' is a required property')} is missing"
    elif error.validator in ("type", "pattern"):
        yield f"{where}: needs {_wanted(error.schema)}, has {_has(value)}{_text_hint(value, error.schema)}"
    elif error.validator in ("enum", "const"):
        known = [str(each) for each in (rule if error.validator == "enum" else [rule])]
        one_of = "one of " if len(known) > 1 else ""
        yield f"{where}: needs {one_of}{', '.join(known)}, has {_has(value)}{_hint(value, known)}"
    elif error.validator in ("minProperties", "maxProperties"):
        known = list(error.schema.get("properties", {}))
        yield f"{where}: needs {'exactly one of ' + ', '.join(known) if known else 'at least one entry'}"
    elif error.validator in ("minItems", "maxItems"):
        most = "least" if error.validator == "minItems" else "most"
        yield f"{where}: needs at {most} {rule} {'entry' if rule == 1 else 'entries'}, has {len(value)}"
    elif error.validator == "uniqueItems":
        yield f"{where}: {next(each for each in value if value.count(each) > 1)!r} stands twice"
    elif error.validator in RANGES:
        yield f"{where}: must be {RANGES[error.validator]} {rule}, is {value}"
    elif error.validator == "not":
        yield f"{where}: patchset and patches exclude one another; remove one"
    else:
        yield f"{where}: {error.message}"


def _name_problem(error: jsonschema.ValidationError) -> str:
    """Why a name cannot be a key."""
    if error.validator == "enum":
        known = error.validator_value
        hint = _hint(error.instance, known) or f"; {error.schema['title']} has only {', '.join(known)}"
        return f"unknown key {error.instance!r}{hint}"
    if error.validator == "not":
        return f"{error.instance!r} cannot be a name here: it is reserved"
    if not isinstance(error.instance, str):
        return f"{error.instance!r} cannot be a name here: write it in quotes"
    rule = "names have letters, digits and . _ + - only, begin with a letter or digit, and have at most 100 characters"
    return f"{error.instance!r} cannot be a name here: {rule}"


def _wanted(schema: dict) -> str:
    """What a schema wants, in words."""
    return schema.get("description") or " or ".join(TYPES[each] for each in _types(schema))


def _types(schema: dict) -> list[str]:
    return schema["type"] if isinstance(schema["type"], list) else [schema["type"]]


def _has(value) -> str:
    """A value of any kind, in words."""
    if isinstance(value, dict):
        return TYPES["object"]
    if isinstance(value, list):
        return TYPES["array"]
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return f"the text {reprlib.repr(value)}" if isinstance(value, str) else str(value)


def _text_hint(value, schema: dict) -> str:
    """What to do with a number that arrives as text."""
    if not isinstance(value, str) or not {"number", "integer"} & set(_types(schema)):
        return ""
    try:
        float(value)
    except ValueError:
        return ""
    form = "as 1.0e-3, with point and sign" if "e" in value.lower() else "without quotes"
    return f"; write it {form} (nested values of --config are always text: write those in a file)"


def _infinite(value, path: tuple = ()) -> Iterator[tuple[tuple, float]]:
    """Numbers that are not finite, which a schema cannot exclude, with their places."""
    if isinstance(value, (dict, list)):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(each, (*path, key))
    elif isinstance(value, (int, float)) and not abs(value) <= sys.float_info.max:
        yield path, value


def _sound(config: dict, broken: set[tuple]) -> dict | None:
    """The configuration with None for each entry of a block that has a problem; None if a block is no block."""
    if not isinstance(config, dict):
        return None
    blocks = {"models": {}, "scan": {}, "datasets": None, "analyses": None} | config
    if not all(isinstance(blocks[name], dict) for name in BLOCKS) or not blocks["datasets"]:
        return None
    return {
        block: {
            name: None if (block, name) in broken or not isinstance(name, str) else entry
            for name, entry in blocks[block].items()
        }
        for block in BLOCKS
    }


def _reference_problems(config: dict) -> Iterator[str]:
    """What a schema cannot say: names that refer to other blocks, and grids."""
    datasets, models = config["datasets"], config["models"]
    for name, dataset in _entries(datasets):
        yield from _simulate_problems(f"datasets.{name}.simulate", dataset.get("simulate"))
    for name, model in _entries(models):
        yield from _model_problems(f"models.{name}", model)
    for name, analysis in _entries(config["analyses"]):
        where = f"analyses.{name}"
        yield from _grid_problems(f"{where}.mu", analysis.get("mu"))
        if analysis["dataset"] not in datasets:
            hint = _hint(analysis["dataset"], list(datasets))
            yield f"{where}.dataset: there is no data set {analysis['dataset']!r} under `datasets`{hint}"
        dataset = datasets.get(analysis["dataset"])
        if dataset and "workspace" in dataset:
            if "model" in analysis:
                yield f"{where}.model: the data set is a workspace, which is a model already; remove the key"
        elif "model" in analysis and analysis["model"] not in models:
            hint = _hint(analysis["model"], list(models))
            yield f"{where}.model: there is no model {analysis['model']!r} under `models`{hint}"
        elif dataset and "model" not in analysis:
            yield f"{where}: the key 'model' is missing: the data set has histograms, and needs one"
    yield from _grid_problems("scan.mu", config["scan"].get("mu"))


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
            yield f"{where}.parameters: no modifier has the name {name!r}{_hint(name, names)}"
    missing = [key for key in ("auxdata", "sigmas", "inits", "bounds") if key not in parameters.get("lumi", {})]
    if missing and any(modifier["type"] == "lumi" for modifier in modifiers):
        yield f"{where}.parameters: a lumi modifier needs an entry with the name lumi, which lacks {', '.join(missing)}"


def _grid_problems(where: str, mu: list | dict | None) -> Iterator[str]:
    if mu is None:
        return
    if isinstance(mu, dict) and mu["number"] == 1 and mu["stop"] != mu["start"]:
        yield f"{where}: with number 1, stop ({mu['stop']:g}) must equal start ({mu['start']:g})"
    elif isinstance(mu, dict) and mu["number"] > 1 and mu["stop"] <= mu["start"]:
        yield f"{where}: the grid is empty: stop ({mu['stop']:g}) must be above start ({mu['start']:g})"
    elif len(mu_grid(mu)) < (mu["number"] if isinstance(mu, dict) else len(mu)):
        yield f"{where}: a value stands twice; values count as equal if their first 10 digits are"


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
    for name, dataset in _entries(config["datasets"]):
        where = f"datasets.{name}"
        missing = [(key, path) for key, path in _files(dataset) if not isfile(path)]
        for key, path in missing:
            yield f"{where}.{key}: there is no file {path!r} (seen from {Path.cwd()})"
        if "workspace" in dataset and not missing:
            yield from _signal_problems(f"{where}.workspace", dataset["workspace"])


def _signal_problems(where: str, source: dict) -> Iterator[str]:
    try:
        _known_signals(source)
    except (InputError, OSError) as error:
        yield f"{where}.{'patches' if 'patches' in source else 'patchset'}: {error}"
        return
    try:
        signal_names(source)
    except InputError as error:
        yield f"{where}.signals: {error}"


def _files(dataset: dict) -> Iterator[tuple[str, str]]:
    histograms, workspace = dataset.get("histograms", {}), dataset.get("workspace", {})
    if "csv" in histograms:
        yield "histograms.csv", histograms["csv"]
    if "root" in histograms:
        yield "histograms.root.file", histograms["root"]["file"]
    for key in ("file", "patchset"):
        if key in workspace:
            yield f"workspace.{key}", workspace[key]


def _hint(name, known: list[str]) -> str:
    near = difflib.get_close_matches(str(name), [str(each) for each in known], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _some(names: list[str], most: int = 8) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more
