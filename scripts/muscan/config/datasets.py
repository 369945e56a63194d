"""The data sets of a configuration: their input files, and the part of them that blind analyses use."""

from muscan.config.settings import scan_settings

OBSERVED = "observed"  # name of the observed data among the templates
# Blocks of a data set whose entries can have observed data.
HOLD_OBSERVED = (("simulate", "components"), ("histograms", "counts"), ("histograms", "root", "channels"))


def without_observed(dataset: dict, path: tuple[str, ...] = ()) -> dict:
    """Return a data set without its observed data, and without files of which only observed data are read."""
    return {
        key: without_observed(value, (*path, key)) if isinstance(value, dict) else value
        for key, value in dataset.items()
        if key != OBSERVED or path[:-1] not in HOLD_OBSERVED  # a channel may be called "observed"
    }


def unblinded_datasets(config: dict) -> set[str]:
    """Return the data sets whose observed data are used, by an analysis that is not blind."""
    analyses = config["analyses"]
    return {analysis["dataset"] for name, analysis in analyses.items() if not scan_settings(config, name).blind}


def histogram_spec(config: dict, dataset: str, blind: bool) -> dict:
    """Return the `histograms` block of a data set for the step `read_histograms`.

    If negative bins or events outside of the bins are treated, the block has an additional entry `uncertainties`: the
    columns that models use as uncertainties. They hold no events, and are not treated.
    """
    known = config["datasets"][dataset]
    block = (without_observed(known) if blind else known)["histograms"]
    if not {"clip", "underflow", "overflow"} & {*block, *block.get("root", {})}:
        return block
    models = (config["models"][each["model"]] for each in config["analyses"].values() if each["dataset"] == dataset)
    modifiers = (modifier for model in models for sample in model["samples"].values() for modifier in sample)
    uncertainties = (modifier.get("uncertainty") for modifier in modifiers)
    return block | {"uncertainties": sorted({each["column"] for each in uncertainties if isinstance(each, dict)})}


def root_file(root: dict, histogram: str | dict) -> str | None:
    """Return the file of a histogram of a `root` block: its own or that of the block; None if neither is given."""
    return histogram.get("file", root.get("file")) if isinstance(histogram, dict) else root.get("file")


def input_files(dataset: dict, blind: bool = False) -> dict[str, str]:
    """Return the input files of a data set, without loose patches: {key: path}.

    Args:
        dataset: the data set in a complete configuration.
        blind: whether files of which only observed data are read are left out.
    """
    dataset = without_observed(dataset) if blind else dataset
    histograms, workspace = dataset.get("histograms", {}), dataset.get("workspace", {})
    files = {
        "histograms.csv": histograms.get("csv"),
        **_root_files(histograms.get("root", {"channels": {}})),
        "workspace.file": workspace.get("file"),
        "workspace.patchset": workspace.get("patchset"),
    }
    return {key: path for key, path in files.items() if path is not None}


def _root_files(root: dict) -> dict[str, str | None]:
    """Return the ROOT files of a data set, each with the first key that contains it."""
    keys: dict[str | None, str] = {}
    for channel, names in root["channels"].items():
        for column, histogram in names.items():
            own = isinstance(histogram, dict) and "file" in histogram
            key = f"channels.{channel}.{column}.file" if own else "file"
            keys.setdefault(root_file(root, histogram), f"histograms.root.{key}")
    return {key: file for file, key in keys.items()}
