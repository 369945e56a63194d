"""What a configuration says, in full: the settings of each scan, its grid and jobs, the signals of a workspace, files.

The rules call this module; it knows nothing of Snakemake. config_check.py has seen the configuration before.
"""

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from glob import escape, glob
from os.path import exists, isdir, isfile
from pathlib import Path
from urllib.parse import quote

from file_kinds import instead_of
from inference.errors import InputError
from json_input import MAX_MEGABYTES, read_json
from messages import did_you_mean, listed, shortened
from records import label_column

SCAN_DEFAULTS = {
    "mu": {"start": 0, "stop": 10, "number": 41},
    "mu_per_job": 1,
    "signals_per_job": 1,
    "confidence_level": 0.95,
    "test_statistic": "qtilde",
    "calculators": ["asymptotics"],
    "check_asymptotics": "auto",
    "toys": {},
    "engine": "newton",
    "interpolation": {},
    "blind": False,
    "plots": ["brazil", "yields", "pulls", "distributions", "toys"],
}
AUTO = "auto"  # instead of values of mu: they follow from the limits
TOYBASED = "toybased"  # the calculator whose limits come from toys
TOY_DEFAULTS = {"block": 1000, "seed": 0, "jobs": 8, "max_failed_fraction": 0.01, "show": []}
TOYS_PER_HYPOTHESIS, MOST_TOYS = 5000, 1_000_000  # unless the configuration says otherwise
TOY_ROUNDS = 4  # in which toys are added if their number is not fixed
INTERPOLATION_DEFAULTS = {"normsys": "code4", "histosys": "code4p"}
FOLDER_PLOTS = ["yields", "distributions"]  # several pictures in a folder: of each channel, of some values of mu
FIT_PLOTS = ["yields", "pulls"]  # they do not depend on the calculator, and are drawn for the first one
TOY_PLOTS = ["distributions", "toys"]
ONLY_SIGNAL = "signal"  # name of the signal of an analysis without patches

NUMBER = r"(-?\d+(?:\.\d+)?)"  # in the name of a signal

LONGEST_PACK = 15_000  # characters of all names and paths of patches; a command has at most 128 KiB
LONGEST_SIGNAL = 200  # characters of a name in a path; file systems take 255


def scan_settings(config: dict, analysis: str) -> dict:
    """Settings of the scan of an analysis: its own, those under `scan`, the defaults, in this order."""
    settings = SCAN_DEFAULTS | config.get("scan", {}) | config["analyses"][analysis]
    parts = {"interpolation": INTERPOLATION_DEFAULTS | settings["interpolation"], "toys": _toys(settings["toys"])}
    return settings | parts


def _toys(toys: dict) -> dict:
    number = {"max": MOST_TOYS} if "target" in toys else {"per_hypothesis": TOYS_PER_HYPOTHESIS}
    return TOY_DEFAULTS | number | toys


def check_options(settings: dict) -> dict:
    """Options of invert.py that say how asymptotic limits are checked."""
    wanted = str(settings["check_asymptotics"]).lower()
    return {"check_asymptotics": wanted, "seed": settings["toys"]["seed"]}


def toy_rounds(toys: dict) -> int:
    """In how many rounds toys are thrown."""
    return TOY_ROUNDS if "target" in toys else 1


def scan_plots(settings: dict, calculator: str) -> list[str]:
    """The pictures of a scan."""
    without = [] if calculator == settings["calculators"][0] else FIT_PLOTS
    without = without if calculator == TOYBASED else [*without, *TOY_PLOTS]
    return [plot for plot in settings["plots"] if plot not in without]


def mu_grid(mu: list | dict | str) -> list[str]:
    """Tested values of mu as text, ascending; they stay text until a script parses them.

    Args:
        mu: a list of values, or `start`, `stop` (included) and `number`, or "auto", which has no values yet.
    """
    if mu == AUTO:
        return []
    if isinstance(mu, dict):
        steps = max(mu["number"] - 1, 1)
        values = [mu["start"] + (mu["stop"] - mu["start"]) * i / steps for i in range(mu["number"])]
    else:
        values = mu
    return list(dict.fromkeys(f"{value + 0.0:.10g}" for value in sorted(values)))  # + 0.0: no minus before a zero


def mu_jobs(mu: list[str], mu_per_job: int) -> dict[str, list[str]]:
    """Consecutive values that one job tests, by the label that stands in its file name; "auto" without values."""
    if not mu:
        return {AUTO: []}
    chunks = [mu[i : i + mu_per_job] for i in range(0, len(mu), mu_per_job)]
    return {chunk[0] if len(chunk) == 1 else f"{chunk[0]}_to_{chunk[-1]}": chunk for chunk in chunks}


def poi_bound(largest: float) -> int:
    """The mu that fits must be able to reach: 10, 20, 40, ..., so that it seldom changes when a scan grows."""
    bound = 10
    while bound < largest:
        bound *= 2
    return bound


def source(config: dict, analysis: str) -> tuple[str, dict]:
    """The kind of an analysis' data set and what the configuration says of it."""
    return next(iter(config["datasets"][config["analyses"][analysis]["dataset"]].items()))


def signals(config: dict, analysis: str) -> dict[str, str]:
    """Signals of an analysis: {name in paths: name}."""
    kind, block = source(config, analysis)
    return signal_names(block) if kind == "workspace" else {ONLY_SIGNAL: ONLY_SIGNAL}


def scans(config: dict) -> list[str]:
    """All scans, `analysis/signal/calculator`, with the name of the signal in paths."""
    return [
        f"{analysis}/{signal}/{calculator}"
        for analysis in config["analyses"]
        for signal in signals(config, analysis)
        for calculator in scan_settings(config, analysis)["calculators"]
    ]


def outline(config: dict) -> dict:
    """The part of a configuration that says which scans and grids there are, and nothing of how they are made."""
    datasets = {
        name: {kind: _without_limit(block) if kind == "workspace" else {} for kind, block in dataset.items()}
        for name, dataset in config["datasets"].items()
    }
    analyses = {
        name: {"dataset": analysis["dataset"], "calculators": scan_settings(config, name)["calculators"]}
        for name, analysis in config["analyses"].items()
    }
    return {"datasets": datasets, "analyses": analyses, "grids": config.get("grids", {})}


def _without_limit(block: dict) -> dict:
    """A `workspace` block without the size of files, on which no result depends."""
    return {key: value for key, value in block.items() if key != "max_megabytes"}


def packs(config: dict, analysis: str) -> list[list[str]]:
    """Signals that share a job: so many, or fewer if the command that names them and their patches were too long."""
    kind, block = source(config, analysis)
    signals_per_job = scan_settings(config, analysis)["signals_per_job"]
    found: list[list[str]] = []
    length = 0
    for signal, name in signals(config, analysis).items():
        patch = workspace_files(block, name).get("patch", "") if kind == "workspace" else ""
        more = len(signal) + len(patch)
        if not found or len(found[-1]) == signals_per_job or length + more > LONGEST_PACK:
            found.append([])
            length = 0
        found[-1].append(signal)
        length += more
    return found


def signal_names(source: dict) -> dict[str, str]:
    """Signals of a `workspace` source: {name in paths: name}; a wanted one that has no patch will fail, alone.

    Raises:
        InputError: if the patches cannot be read, or none of them is wanted.
    """
    known = known_signals(source)
    wanted = source.get("signals", "all")
    if wanted == "all":
        names = known
    elif isinstance(wanted, str):
        names = [name for name in known if fnmatchcase(name, wanted)]
        if not names:
            raise InputError(f"no signal matches {wanted!r}; there are {listed(known)}")
    else:
        if not set(wanted) & set(known):
            raise InputError("; ".join(f"there is no signal {name!r}{did_you_mean(name, known)}" for name in wanted))
        names = wanted
    return {path_name(name): name for name in names}


def label_values(source: dict) -> dict[str, dict[str, float | str]]:
    """What is known of each signal of a `workspace` source, masses in most cases: {name: {label: value}}.

    Raises:
        InputError: if a name does not have the form that the configuration says.
    """
    if "patchset" in source:
        return dict(_patches_of(source))
    if "labels" in source:
        return {name: _values_in(name, source["labels"]) for name in known_signals(source)}
    return {}


def _values_in(name: str, form: str) -> dict[str, float]:
    """Numbers in a name, by the labels that stand in braces in its form: `stau_{m1}_{m2}`."""
    parts = re.split(r"\{(.*?)\}", form)
    pattern = "".join(NUMBER if i % 2 else re.escape(part) for i, part in enumerate(parts))
    found = re.fullmatch(pattern, name)
    if found is None:
        raise InputError(f"the name {name!r} does not have the form {form!r}")
    numbers = [float(value) for value in found.groups()]
    return dict(zip(parts[1::2], (int(value) if value.is_integer() else value for value in numbers), strict=True))


def scan_name(analysis: str, signal: str) -> str:
    """How people call a scan: the analysis, and the signal where there are several."""
    return analysis if signal == ONLY_SIGNAL else f"{analysis} / {signal}"


def path_name(name: str) -> str:
    """A name from a file as a part of a path: percent-encoded, as in a URL; it is no option of a command."""
    encoded = quote(name, safe="+,=@")
    return f"%{ord(encoded[0]):X}{encoded[1:]}" if encoded.startswith((".", "-")) else encoded


def as_options(values: dict) -> list[str]:
    """A command line: a value may be a list, and None gives no option."""
    words = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, list):
            words += [option, *map(str, value)]
        elif value is not None:
            words += [f"{option}={value}"] if str(value).startswith("-") else [option, str(value)]
    return words


def workspace_files(source: dict, signal: str) -> dict[str, str]:
    """Files that make the workspace of a signal, by the option of patch_workspace.py that takes them."""
    files = {"workspace": source["file"]}
    if "patches" in source:
        patches = _loose_patches(source["patches"])
        files["patch"] = patches.get(signal, str(Path(next(iter(patches.values()))).with_name(f"{signal}.json")))
    elif "patchset" in source:
        files["patchset"] = source["patchset"]
    return files


def grid_settings(config: dict, grid: str) -> dict:
    """Settings of a grid of signals, in full."""
    settings = {"y": None, "diagonal": None, "numbers": False, "cross_sections": None, "axis_labels": {}}
    settings |= config["grids"][grid]
    known = [set(scan_settings(config, analysis)["calculators"]) for analysis in settings["analyses"]]
    in_common = set.intersection(*known)
    return {"calculator": "asymptotics" if "asymptotics" in in_common else TOYBASED} | settings


def grid_plots(config: dict, grid: str) -> list[str]:
    """The pictures of a grid; the one of limits against a mass is a folder, and needs scans of more than one value."""
    settings = grid_settings(config, grid)
    scans = (scan_settings(config, analysis)["mu"] for analysis in settings["analyses"])
    limits = any(mu == AUTO or len(mu_grid(mu)) > 1 for mu in scans)
    return ["plots/exclusion.png"] * (settings["y"] is not None) + ["plots/limits"] * limits


def units(axis_labels: dict[str, str]) -> list[str]:
    """The units in brackets at the end of texts of axes, `label=unit`."""
    found = {label: re.search(r"\[([^\[\]]+)\]\s*$", text) for label, text in axis_labels.items()}
    return [f"{label_column(label)}={match[1]}" for label, match in found.items() if match]


def known_signals(source: dict) -> list[str]:
    """Names of all patches of a `workspace` source.

    Raises:
        InputError: if they cannot be read, or a name cannot become a folder.
    """
    if "patches" in source:
        return sorted(_loose_patches(source["patches"]))
    if "patchset" in source:
        return list(dict.fromkeys(name for name, _ in _patches_of(source)))
    return [ONLY_SIGNAL]


def _patches_of(source: dict) -> list[tuple[str, dict]]:
    return _patchset(source["patchset"], source.get("max_megabytes", MAX_MEGABYTES))


@lru_cache
def _patchset(file: str, max_megabytes: float) -> list[tuple[str, dict]]:
    """Name, and values by their labels, of every patch of a set; only these are kept of a large file."""
    patchset = read_json(file, max_megabytes)
    other = instead_of("a patch set", patchset)
    if other:
        raise InputError(f"{file}: {other}")
    try:
        labels = patchset.get("metadata", {}).get("labels", [])
        metadata = [patch["metadata"] for patch in patchset["patches"]]
        patches = [(each["name"], _labelled(labels, each.get("values", []))) for each in metadata]
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{file}: not a patch set: no names of patches") from error
    for name, _ in patches:
        if not _can_name_a_folder(name):
            raise InputError(f"{file}: a patch has the name {shortened(repr(name))}, which cannot become a folder")
    if not patches:
        raise InputError(f"{file}: the patch set has no patches")
    return patches


def _labelled(labels: list[str], values: list) -> dict:
    """Values by their labels; none if there are more of one than of the other, which the step that patches reports."""
    return dict(zip(labels, values, strict=True)) if len(labels) == len(values) else {}


def _can_name_a_folder(name) -> bool:
    return isinstance(name, str) and name.isprintable() and 0 < len(path_name(name)) <= LONGEST_SIGNAL


def check_input(path: str) -> None:
    """A file that the workflow can read.

    Raises:
        InputError: if there is no such file, or Snakemake cannot take its name.
    """
    if not exists(path):
        raise InputError(f"there is no file {shortened(path)!r}")
    if not isfile(path):
        raise InputError(f"{shortened(path)!r} is {'a folder' if isdir(path) else 'a pipe or device'}, not a file")
    if "{" in path or "}" in path:
        raise InputError(f"rename {shortened(path)!r}: braces in paths are wildcards of Snakemake")
    if re.search("<.*>", path):
        raise InputError(f"rename {path!r}: angle brackets in paths are variables of Snakemake")


@lru_cache
def _loose_patches(pattern: str) -> dict[str, str]:
    """{name: file} of a folder or a glob pattern."""
    files = sorted(glob(f"{escape(pattern)}/*.json" if isdir(pattern) else pattern))
    if not files:
        raise InputError(f"there are no JSON files {shortened(pattern)!r}")
    patches: dict[str, str] = {}
    for file in files:
        check_input(file)
        other = patches.setdefault(Path(file).name.removesuffix(".gz").removesuffix(".json"), file)
        if other != file:
            raise InputError(f"two patches have one name: {other} and {file}")
    return patches
