"""Check data sets beyond the schema: keys that depend on each other, and input files."""

from collections.abc import Iterator
from itertools import pairwise

from muscan.base.errors import InputError
from muscan.base.words import OBSERVED_HINT, join_items
from muscan.config.datasets import OBSERVED, input_files, root_file
from muscan.config.signals import check_input, known_signals, label_values, signal_names


def key_problems(where: str, dataset: dict) -> Iterator[str]:
    """Yield problems of keys that depend on each other.

    Args:
        where: the path of the data set in the configuration, for messages.
        dataset: the data set.
    """
    if "simulate" in dataset:
        yield from _simulate_problems(f"{where}.simulate", dataset["simulate"])
    root = dataset.get("histograms", {}).get("root", {"channels": {}})
    without = [
        f"{channel}.{column}"
        for channel, names in root["channels"].items()
        for column, histogram in names.items()
        if root_file(root, histogram) is None
    ]
    if without:
        yield f"{where}.histograms.root: the key 'file' is missing, and {join_items(without)} has no file of its own"


def file_problems(where: str, dataset: dict, others_make: bool = False) -> list[str]:
    """Return problems of input files without observed data: missing files, and signals without a patch.

    Args:
        where: the path of the data set in the configuration, for messages.
        dataset: the data set.
        others_make: whether rules of another workflow may make the files, apart from a patch set, whose signals decide
            which jobs there are.
    """
    files = input_files(dataset, blind=True)
    texts = [
        text
        for key, path in files.items()
        for text in input_problems(f"{where}.{key}", path, others_make and key != "workspace.patchset")
    ]
    if "workspace" in dataset and not texts:
        texts = list(_signal_problems(f"{where}.workspace", dataset["workspace"]))
    return texts


def observed_problems(where: str, dataset: dict, others_make: bool = False) -> Iterator[str]:
    """Yield problems of observed data, which affect only the analyses that are not blind; see `file_problems`."""
    histograms = dataset.get("histograms", {})
    blocks = {"counts": histograms.get("counts", {}), "root.channels": histograms.get("root", {}).get("channels", {})}
    for block, channels in blocks.items():
        without = [repr(channel) for channel, names in channels.items() if OBSERVED not in names]
        if without:
            names = join_items(without)
            yield f"{where}.histograms.{block}: the key {OBSERVED!r} is missing in {names}; {OBSERVED_HINT}"
    checked = input_files(dataset, blind=True).values()
    for key, path in input_files(dataset).items():
        if path not in checked:
            yield from input_problems(f"{where}.{key}", path, others_make)


def input_problems(where: str, path: str, may_be_missing: bool = False) -> Iterator[str]:
    """Yield the problem of a file that cannot be an input, if there is one."""
    try:
        check_input(path, may_be_missing)
    except InputError as error:
        yield f"{where}: {error}"


def _simulate_problems(where: str, spec: dict | None) -> Iterator[str]:
    if spec is None:
        return
    bins = spec["bins"]
    if isinstance(bins, dict):
        ascending = bins["low"] < bins["high"]
    else:
        ascending = all(low < high for low, high in pairwise(bins))
    if not ascending:
        yield f"{where}.bins: the edges must be in ascending order"
    for name, component in spec["components"].items():
        if component["shape"] == "uniform" and component["low"] >= component["high"]:
            yield f"{where}.components.{name}: low must be below high"


def _signal_problems(where: str, source: dict) -> Iterator[str]:
    try:
        known_signals(source)
    except (InputError, OSError) as error:
        yield f"{where}.{'patches' if 'patches' in source else 'patchset'}: {error}"
        return
    try:
        signal_names(source)
    except InputError as error:
        yield f"{where}.signals: {error}"
    try:
        label_values(source)
    except InputError as error:
        yield f"{where}.labels: {error}"
