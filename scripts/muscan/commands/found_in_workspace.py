"""A first configuration for a pyhf workspace, alone or with the signals of a patch set or of loose patches."""

from muscan.base.errors import InputError
from muscan.base.files import named
from muscan.base.json_input import read_json
from muscan.commands.commented_yaml import END, flow, said
from muscan.commands.found import Found, about_scan, counted, first_scan, in_words
from muscan.config.schema import complete
from muscan.config.signals import known_signals, label_values, workspace_files
from muscan.histfactory.compile import compile_workspace
from muscan.inputs.patches import apply_from_patchset, apply_patch, select_measurement
from muscan.inputs.published import check_patchset, check_workspace

SIGNALS_PER_JOB = 16
PICTURES = 5  # with more signals than that, pictures of each are left out


def from_workspace(name: str, file: str, patchset: str | None, patches: str | None) -> Found:
    """Return a configuration for a workspace, alone or with the signals of a patch set or of loose patches."""
    source = {"file": file} | ({"patchset": patchset} if patchset else {}) | ({"patches": patches} if patches else {})
    full = _with_defaults(source)
    workspace = read_json(file, full["max_megabytes"])
    with named(file):
        check_workspace(workspace)
    signals = known_signals(full) if patchset or patches else []
    if signals:
        whole = _first_that_fits(workspace, full, signals)
    else:
        with named(file):
            whole = _compiled(workspace)
    measurement = _measurement(whole)
    measurements = [each["name"] for each in whole["measurements"]]
    if signals:
        source["signals"] = full["signals"]
    if len(measurements) > 1:
        source["measurement"] = measurement["name"]
    labels = _labels(full) if patchset else []
    config = {
        "datasets": {name: {"workspace": source}},
        "scan": first_scan() | _of_many(len(signals)),
        "analyses": {name: {"dataset": name}},
        **(
            {"grids": {name: {"analyses": [name], "x": labels[0], **dict(zip("y", labels[1:], strict=False))}}}
            if labels
            else {}
        ),
    }
    comments = {
        ("datasets", name): ["Channels:", *_workspace_channels(whole), *_about_poi(whole, measurement, measurements)],
        **about_scan(),
        **_about_signals(name, source, signals),
        **(_about_grid(name, labels) if labels else {}),
    }
    if len(signals) > PICTURES:
        comments["scan", "plots"] = ["[brazil, yields, pulls] draws pictures of each signal."]
    summary = [
        f"channels: {in_words(each['name'] for each in whole['channels'])}",
        f"measurement: {said(measurement['name'])}, parameter of interest {said(measurement['config']['poi'])}",
        f"signals: {len(signals)}, {in_words(signals)}" if signals else "signal: that of the workspace",
    ]
    return Found(config, comments, summary)


def _with_defaults(source: dict) -> dict:
    """Return a source of signals with the defaults of the keys that it leaves out."""
    return complete({"datasets": {"d": {"workspace": source}}, "analyses": {}})["datasets"]["d"]["workspace"]


def _measurement(workspace: dict) -> dict:
    """Return the first measurement whose parameter of interest the workspace has.

    Raises:
        InputError: if there is none.
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
    """Return the samples that carry a modifier of this name."""
    samples = (sample for channel in workspace["channels"] for sample in channel["samples"])
    found = [sample["name"] for sample in samples if any(each["name"] == parameter for each in sample["modifiers"])]
    return list(dict.fromkeys(found))


def _compiled(workspace: dict) -> dict:
    """Return the workspace, if it is a model.

    Raises:
        InputError: if it is none.
    """
    check_workspace(workspace)
    compile_workspace(select_measurement(workspace, _measurement(workspace)["name"]))
    return workspace


def _first_that_fits(workspace: dict, source: dict, signals: list[str]) -> dict:
    """Return the workspace with the first of the signals with which it is a model.

    Raises:
        InputError: if none is; why the first is not.
    """
    problems = []
    patchset, wrong = None, {}
    if "patchset" in source:
        patchset = read_json(source["patchset"], source["max_megabytes"])
        with named(source["patchset"]):
            wrong = check_patchset(patchset, workspace)
    for signal in signals:
        files = workspace_files(source, signal)
        try:
            with named(*files.values(), said(signal)):
                if signal in wrong:
                    raise InputError(wrong[signal])
                if patchset:
                    return _compiled(apply_from_patchset(workspace, patchset, signal))
                return _compiled(apply_patch(workspace, read_json(files["patch"], source["max_megabytes"])))
        except InputError as error:
            problems.append(error)
    raise problems[0]


def _labels(source: dict) -> list[str]:
    """Return the labels of a patch set that can be axes: one or two, with numbers for each signal."""
    values = list(label_values(source).values())
    labels = list(values[0]) if values else []
    numbers = all(isinstance(value, int | float) for each in values for value in each.values())
    return labels if 1 <= len(labels) <= 2 and numbers and all(list(each) == labels for each in values) else []


def _of_many(signals: int) -> dict:
    """Return further settings of the scan if there are many signals."""
    packed = min(SIGNALS_PER_JOB, signals // 4)
    return ({"signals_per_job": packed} if packed > 1 else {}) | ({"plots": []} if signals > PICTURES else {})


def _workspace_channels(workspace: dict) -> list[str]:
    return [
        f"  {said(channel['name'])}: {counted(len(channel['samples'][0]['data']), 'bin')}; "
        f"{in_words(each['name'] for each in channel['samples'])}"
        for channel in workspace["channels"]
    ]


def _about_poi(workspace: dict, measurement: dict, measurements: list[str]) -> list[str]:
    poi = measurement["config"]["poi"]
    lines = [f"The parameter of interest is {said(poi)}, which scales {in_words(_carriers(workspace, poi))}."]
    others = [name for name in measurements if name != measurement["name"]]
    return lines + ([f"Other measurements: {in_words(others)}."] if others else [])


def _about_signals(name: str, source: dict, signals: list[str]) -> dict[tuple, list[str]]:
    if not signals:
        return {}
    here = ("datasets", name, "workspace")
    lines = [f"{len(signals)} signals: {in_words(signals, 3)}.", "Fewer of them: a list of names, or a pattern:"]
    comments = {(*here, "signals"): [*lines, f"signals: {flow([signals[0]])}"]}
    if "patches" in source:
        comments[*here, END] = ['labels: "signal_{m1}_{m2}"    # the form of the names, for tables and grids']
    return comments


def _about_grid(name: str, labels: list[str]) -> dict[tuple, list[str]]:
    axes = {label: f"{said(label)} [GeV]" for label in labels}
    return {
        ("grids", name): ["Exclusion contour and tables for HEPData."],
        ("grids", name, END): [
            f"axis_labels: {flow(axes)}",
            "cross_sections: {csv: cross_sections.csv, unit: pb}    # limits on cross sections too",
        ],
    }
