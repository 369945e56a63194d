"""Draft a configuration for a pyhf workspace, alone or with the signals of a patch set or of loose patches."""

from muscan.base.errors import InputError
from muscan.base.files import prefix_errors
from muscan.base.json_input import read_json
from muscan.commands.commented_yaml import END, inline_yaml, printable_name
from muscan.commands.draft import Draft, about_scan, first_scan, list_names, pluralize
from muscan.config.schema import complete
from muscan.config.signals import known_signals, label_values, workspace_files
from muscan.histfactory.compile import compile_workspace
from muscan.inputs.patches import apply_from_patchset, apply_patch, select_measurement
from muscan.inputs.published import check_patchset, check_workspace

SIGNALS_PER_JOB = 16  # largest number of signals that share a job
MAX_PLOTTED = 5  # largest number of signals for which plots of each signal are drawn


def from_workspace(name: str, file: str, patchset: str | None, patches: str | None) -> Draft:
    """Return a draft for a workspace, alone or with the signals of a patch set or of loose patches.

    Args:
        name: the name of the data set, the analysis and the grid.
        file: the workspace.
        patchset: the patch set, if there is one.
        patches: a folder or pattern of loose patches, if there are any.

    Raises:
        InputError: if a file cannot be read, or no signal gives a valid model.
    """
    source = {"file": file} | ({"patchset": patchset} if patchset else {}) | ({"patches": patches} if patches else {})
    full = _with_defaults(source)
    workspace = read_json(file, full["max_megabytes"])
    with prefix_errors(file):
        check_workspace(workspace)
    signals = known_signals(full) if patchset or patches else []
    if signals:
        example = _first_valid_model(workspace, full, signals)
    else:
        with prefix_errors(file):
            example = _require_model(workspace)
    measurement = _measurement(example)
    measurements = [each["name"] for each in example["measurements"]]
    if signals:
        source["signals"] = full["signals"]
    if len(measurements) > 1:
        source["measurement"] = measurement["name"]
    labels = _labels(full) if patchset else []
    config = {
        "datasets": {name: {"workspace": source}},
        "scan": first_scan() | _settings_for_many(len(signals)),
        "analyses": {name: {"dataset": name}},
        **(
            {"grids": {name: {"analyses": [name], "x": labels[0], **dict(zip("y", labels[1:], strict=False))}}}
            if labels
            else {}
        ),
    }
    comments = {
        ("datasets", name): [
            "Channels:",
            *_workspace_channels(example),
            *_about_poi(example, measurement, measurements),
        ],
        **about_scan(),
        **_about_signals(name, source, signals),
        **(_about_grid(name, labels) if labels else {}),
    }
    if len(signals) > MAX_PLOTTED:
        comments["scan", "plots"] = ["[brazil, yields, pulls] draws plots of each signal."]
    summary = [
        f"channels: {list_names(each['name'] for each in example['channels'])}",
        f"measurement: {printable_name(measurement['name'])}, "
        f"parameter of interest {printable_name(measurement['config']['poi'])}",
        f"signals: {len(signals)}, {list_names(signals)}" if signals else "signal: the one in the workspace",
    ]
    return Draft(config, comments, summary)


def _with_defaults(source: dict) -> dict:
    """Return a `workspace` block with the defaults of all keys that are missing."""
    return complete({"datasets": {"d": {"workspace": source}}, "analyses": {}})["datasets"]["d"]["workspace"]


def _measurement(workspace: dict) -> dict:
    """Return the first measurement whose parameter of interest is a parameter of the workspace.

    Raises:
        InputError: if there is no such measurement.
    """
    for measurement in workspace["measurements"]:
        if _carriers(workspace, measurement["config"]["poi"]):
            return measurement
    poi = workspace["measurements"][0]["config"]["poi"]
    raise InputError(
        f"a signal is missing: no sample carries the parameter of interest {poi!r}. Give the signals too: "
        "PATCHSET=patchset.json, or PATCHES=folder of loose patches; or a workspace that has the signal"
    )


def _carriers(workspace: dict, parameter: str) -> list[str]:
    """Return the names of the samples that carry a modifier with this name."""
    samples = (sample for channel in workspace["channels"] for sample in channel["samples"])
    found = [sample["name"] for sample in samples if any(each["name"] == parameter for each in sample["modifiers"])]
    return list(dict.fromkeys(found))


def _require_model(workspace: dict) -> dict:
    """Require that the first usable measurement of a workspace is a valid model; return the workspace.

    Raises:
        InputError: if it is not.
    """
    check_workspace(workspace)
    compile_workspace(select_measurement(workspace, _measurement(workspace)["name"]))
    return workspace


def _first_valid_model(workspace: dict, source: dict, signals: list[str]) -> dict:
    """Return the workspace with the first signal for which it is a valid model.

    Raises:
        InputError: if there is no such signal; the problem of the first signal.
    """
    problems = []
    patchset, wrong = None, {}
    if "patchset" in source:
        patchset = read_json(source["patchset"], source["max_megabytes"])
        with prefix_errors(source["patchset"]):
            wrong = check_patchset(patchset, workspace)
    for signal in signals:
        files = workspace_files(source, signal)
        try:
            with prefix_errors(*files.values(), printable_name(signal)):
                if signal in wrong:
                    raise InputError(wrong[signal])
                if patchset:
                    return _require_model(apply_from_patchset(workspace, patchset, signal))
                return _require_model(apply_patch(workspace, read_json(files["patch"], source["max_megabytes"])))
        except InputError as error:
            problems.append(error)
    raise problems[0]


def _labels(source: dict) -> list[str]:
    """Return the labels of a patch set if they can be axes of a grid: one or two, with numbers for each signal."""
    values = list(label_values(source).values())
    labels = list(values[0]) if values else []
    numbers = all(isinstance(value, int | float) for each in values for value in each.values())
    return labels if 1 <= len(labels) <= 2 and numbers and all(list(each) == labels for each in values) else []


def _settings_for_many(signals: int) -> dict:
    """Return settings of the scan for many signals; empty if there are few."""
    packed = min(SIGNALS_PER_JOB, signals // 4)
    return ({"signals_per_job": packed} if packed > 1 else {}) | ({"plots": []} if signals > MAX_PLOTTED else {})


def _workspace_channels(workspace: dict) -> list[str]:
    return [
        f"  {printable_name(channel['name'])}: {pluralize(len(channel['samples'][0]['data']), 'bin')}; "
        f"{list_names(each['name'] for each in channel['samples'])}"
        for channel in workspace["channels"]
    ]


def _about_poi(workspace: dict, measurement: dict, measurements: list[str]) -> list[str]:
    poi = measurement["config"]["poi"]
    lines = [
        f"The parameter of interest is {printable_name(poi)}, which scales {list_names(_carriers(workspace, poi))}."
    ]
    others = [name for name in measurements if name != measurement["name"]]
    return lines + ([f"Other measurements: {list_names(others)}."] if others else [])


def _about_signals(name: str, source: dict, signals: list[str]) -> dict[tuple, list[str]]:
    if not signals:
        return {}
    here = ("datasets", name, "workspace")
    lines = [f"{len(signals)} signals: {list_names(signals, 3)}.", "To use fewer, give a list of names or a pattern:"]
    comments = {(*here, "signals"): [*lines, f"signals: {inline_yaml([signals[0]])}"]}
    if "patches" in source:
        comments[*here, END] = [
            'labels: "signal_{m1}_{m2}"    # the form of the names, to use their numbers in tables and grids'
        ]
    return comments


def _about_grid(name: str, labels: list[str]) -> dict[tuple, list[str]]:
    axes = {label: f"{printable_name(label)} [GeV]" for label in labels}
    return {
        ("grids", name): ["Draws the exclusion contour, and writes tables for HEPData."],
        ("grids", name, END): [
            f"axis_labels: {inline_yaml(axes)}",
            "cross_sections: {csv: cross_sections.csv, unit: pb}    # for limits on cross sections",
        ],
    }
