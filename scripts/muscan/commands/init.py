"""Write a first configuration for histograms or a workspace.

Reads a CSV or ROOT file of histograms, or a pyhf workspace with or without signal patches; writes a configuration that
runs as it is, with comments that say what was found and what could be changed.
"""

import argparse
import os
import re
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from muscan.base.errors import InputError
from muscan.base.files import named
from muscan.base.json_input import read_json
from muscan.base.versions import ROOT
from muscan.base.words import listed
from muscan.commands.commented_yaml import END, flow, said, to_yaml
from muscan.config.check import ConfigError, check
from muscan.config.signals import check_input, known_signals, label_values, workspace_files
from muscan.histfactory.compile import compile_workspace
from muscan.inputs import build_workspace, flow_bins, read_histograms, root_histograms
from muscan.inputs.blinding import blinded
from muscan.inputs.columns import Roles, roles
from muscan.inputs.histograms import Histograms
from muscan.inputs.patches import from_patchset, patched, with_measurement
from muscan.inputs.published import check_patchset, check_workspace

SCHEMA = ROOT / "config" / "config.schema.yaml"
RESERVED = ("datasets", "grids", "plots", "limits", "manifest", "toybased")
DATA = ("observed", "data", "data_obs", "obs")  # how histograms of the data are called in ROOT files
SIGNALS_PER_JOB = 16
PICTURES = 5  # with more signals than that, pictures of each are left out


class Found(NamedTuple):
    """A configuration, its comments, and what to tell the user."""

    config: dict
    comments: dict[tuple, list[str]]
    summary: list[str]


# Histograms ----------------------------------------------------------------------------------------------------------


def from_csv(name: str, file: str) -> Found:
    """A configuration for a CSV file."""
    return from_histograms(name, {"csv": file})


def from_root(name: str, file: str) -> Found:
    """A configuration for the one-dimensional histograms of a ROOT file: each folder is a channel."""
    return from_histograms(name, {"root": {"file": file, "channels": root_channels(file)}})


def root_channels(file: str) -> dict[str, dict[str, str]]:
    """`{channel: {template: histogram}}` of a ROOT file, as its folders have them.

    Raises:
        InputError: if the file cannot be read, or a folder has no histogram of the data.
    """
    with root_histograms.opened(file) as source:
        classes = source.classnames(cycle=False)
    channels: dict[str, dict[str, str]] = {}
    for path in [path for path, kind in classes.items() if kind.startswith("TH1")]:
        folder, _, template = path.rpartition("/")
        channels.setdefault(folder or "channel", {})[template] = path
    if not channels:
        raise InputError(f"{file}: no one-dimensional histograms")
    for channel, names in channels.items():
        data = next((each for each in DATA if each in names), None)
        if data is None:
            raise InputError(
                f"{file}: the folder {channel!r} has no histogram with the name {' or '.join(DATA)}, only "
                f"{listed(list(names))}"
            )
        names["observed"] = names.pop(data)
        reserved = [each for each in names if each in ("channel", "bin_low", "bin_high")]
        names |= {f"{each}_template": names.pop(each) for each in reserved}
    return channels


def from_histograms(name: str, spec: dict) -> Found:
    """A configuration with a model, for the `histograms` block of a data set."""
    histograms, unobserved = _read(spec)
    known = roles(histograms)
    model = {"samples": {each: _modifiers(each, known, histograms) for each in [known.signal, *known.backgrounds]}}
    workspace = build_workspace.build(histograms, model)
    compile_workspace(blinded(workspace) if unobserved else workspace)
    config = {
        "datasets": {name: {"histograms": spec}},
        "models": {name: model},
        "scan": {"mu": "auto", "confidence_level": 0.95},
        "analyses": {name: {"dataset": name, "model": name} | ({"blind": True} if unobserved else {})},
    }
    here = ("models", name, "samples")
    comments = {
        ("datasets", name): ["Channels:", *_channels(histograms)],
        ("datasets", name, "histograms", "root", END): _about_outside(histograms),
        (*here, known.signal): _about_signal(known),
        (*here, END): [f"No sample: {said(each)}, {said(why, 200)}." for each, why in known.others.items()],
        **_about_blind(name, unobserved),
        **_about_scan(),
    }
    for sample in known.backgrounds:
        comments[*here, sample, END] = _alternatives(sample, known, histograms)
    comments[*here, known.signal, END] = _normsys(known.signal)
    summary = [
        f"channels: {_names(histograms.columns)}",
        f"signal: {said(known.signal)}" + ("" if known.named else " (the first template: none is called signal)"),
        f"backgrounds: {_names(known.backgrounds) or 'none'}",
        *([f"blind: no observed counts to use: {said(unobserved, 200)}"] if unobserved else []),
        *(f"not used: {said(each)}, {said(why, 200)}" for each, why in known.others.items()),
    ]
    return Found(config, {path: lines for path, lines in comments.items() if lines}, summary)


def _read(spec: dict) -> tuple[Histograms, str]:
    """Histograms, and why their observed counts cannot be used; empty if they can.

    Raises:
        InputError: if something else cannot be read.
    """
    unseen = read_histograms.read(spec, observed=False)
    try:
        return read_histograms.read(spec), ""
    except InputError as error:
        return unseen, str(error)


def _about_blind(name: str, unobserved: str) -> dict[tuple, list[str]]:
    if unobserved:
        lines = [f"No observed counts to use: {said(unobserved, 200)}.", "Remove this when they are there."]
        return {("analyses", name, "blind"): lines}
    return {("analyses", name, END): ["blind: true    # hides the observed counts: expected limits only"]}


def _about_outside(histograms: Histograms) -> list[str]:
    """What may become of events outside of the bins, where there are some."""
    kinds = {each.kind for each in histograms.findings}
    return [
        f"{side.name}: {side.into}    # counts events {side.where} in the {side.bin_name}; else they are left out"
        for side in flow_bins.SIDES
        if side.name in kinds
    ]


def _modifiers(sample: str, known: Roles, histograms: Histograms) -> list[dict]:
    """The modifiers that the columns of a sample give."""
    found = [{"name": "mu", "type": "normfactor"}] if sample == known.signal else []
    several = len(histograms.columns) > 1
    column = known.statistical.get(sample)
    for channel in _with(histograms, sample, column):
        if (histograms.columns[channel][column] >= 0).all():
            stat = {"name": _statistical(channel, known, several), "type": "staterror"}
            found.append(stat | {"uncertainty": {"column": column}} | ({"channels": [channel]} if several else {}))
    for name, up, down in known.variations.get(sample, []):
        where = _with(histograms, sample, up, down)
        limited = {"channels": where} if where != _with(histograms, sample) else {}
        found += [{"name": name, "type": "histosys", "up": up, "down": down} | limited] if where else []
    return found


def _with(histograms: Histograms, *columns: str | None) -> list[str]:
    """Channels that have all these columns."""
    return [channel for channel, known in histograms.columns.items() if all(column in known for column in columns)]


def _statistical(channel: str, known: Roles, several: bool) -> str:
    """The name of a channel's statistical uncertainty, which is not that of a variation."""
    name = f"mcstat_{channel}" if several else "mcstat"
    taken = {variation.name for each in known.variations.values() for variation in each} | {"mu"}
    while name in taken:
        name += "_"
    return name


def _channels(histograms: Histograms) -> list[str]:
    """What each channel holds; not the observed counts, which nobody should see by accident."""
    return [f"  {said(channel)}: {_bins(histograms, channel)}" for channel in histograms.columns]


def _bins(histograms: Histograms, channel: str) -> str:
    edges = histograms.edges[channel]
    return f"{_number(len(edges) - 1, 'bin')} from {edges[0]:g} to {edges[-1]:g}"


def _about_signal(known: Roles) -> list[str]:
    lines = ["The signal, by its name." if known.named else "CHECK: no column is called signal. Is this the signal?"]
    if not known.named:
        lines += ["If not, move the line of mu to the one that is."]
    lines += ["mu multiplies it; mu = 1 is the signal as it is predicted."]
    if known.statistical:
        lines += ["mcstat: statistical uncertainty of the sum of all templates of a channel, one parameter per bin."]
    if known.variations:
        lines += ["histosys: variation by one standard deviation; samples with the same name vary together."]
    return lines


def _alternatives(sample: str, known: Roles, histograms: Histograms) -> list[str]:
    """Modifiers that the columns cannot tell, for the user to choose."""
    lines = _normsys(sample)
    lines += [f"- {flow({'name': f'{sample}_free', 'type': 'normfactor'})}    # free: the data determine it"]
    positive = all((histograms.columns[channel][sample] >= 0).all() for channel in _with(histograms, sample))
    if sample not in known.statistical and positive:
        for i, channel in enumerate(_with(histograms, sample)):
            counted = {
                "name": f"{sample}_counted_{i}",
                "type": "shapesys",
                "uncertainty": "sqrt",
                "channels": [channel],
            }
            lines += [f"- {flow(counted)}    # its bins hold unweighted events"]
    return lines


def _normsys(sample: str) -> list[str]:
    example = {"name": f"{sample}_norm", "type": "normsys", "up": 1.1, "down": 0.9}
    return [f"- {flow(example)}    # its normalisation is known to 10 %"]


# Workspaces ----------------------------------------------------------------------------------------------------------


def from_workspace(name: str, file: str, patchset: str | None, patches: str | None) -> Found:
    """A configuration for a workspace, alone or with the signals of a patch set or of loose patches."""
    workspace = read_json(file)
    with named(file):
        check_workspace(workspace)
    source = {"file": file} | ({"patchset": patchset} if patchset else {}) | ({"patches": patches} if patches else {})
    signals = known_signals(source) if patchset or patches else []
    if signals:
        whole = _first_that_fits(workspace, source, signals)
    else:
        with named(file):
            whole = _compiled(workspace)
    measurement = _measurement(whole)
    measurements = [each["name"] for each in whole["measurements"]]
    if signals:
        source["signals"] = "all"
    if len(measurements) > 1:
        source["measurement"] = measurement["name"]
    labels = _labels(source) if patchset else []
    config = {
        "datasets": {name: {"workspace": source}},
        "scan": {"mu": "auto", "confidence_level": 0.95} | _of_many(len(signals)),
        "analyses": {name: {"dataset": name}},
        **(
            {"grids": {name: {"analyses": [name], "x": labels[0], **dict(zip("y", labels[1:], strict=False))}}}
            if labels
            else {}
        ),
    }
    comments = {
        ("datasets", name): ["Channels:", *_workspace_channels(whole), *_about_poi(whole, measurement, measurements)],
        **_about_scan(),
        **_about_signals(name, source, signals),
        **(_about_grid(name, labels) if labels else {}),
    }
    if len(signals) > PICTURES:
        comments["scan", "plots"] = ["[brazil, yields, pulls] draws pictures of each signal."]
    summary = [
        f"channels: {_names(each['name'] for each in whole['channels'])}",
        f"measurement: {said(measurement['name'])}, parameter of interest {said(measurement['config']['poi'])}",
        f"signals: {len(signals)}, {_names(signals)}" if signals else "signal: that of the workspace",
    ]
    return Found(config, comments, summary)


def _measurement(workspace: dict) -> dict:
    """The first measurement whose parameter of interest the workspace has.

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
    """Samples with a modifier of this name."""
    samples = (sample for channel in workspace["channels"] for sample in channel["samples"])
    found = [sample["name"] for sample in samples if any(each["name"] == parameter for each in sample["modifiers"])]
    return list(dict.fromkeys(found))


def _compiled(workspace: dict) -> dict:
    """The workspace, if it is a model.

    Raises:
        InputError: if it is none.
    """
    check_workspace(workspace)
    compile_workspace(with_measurement(workspace, _measurement(workspace)["name"]))
    return workspace


def _first_that_fits(workspace: dict, source: dict, signals: list[str]) -> dict:
    """The workspace with the first of the signals with which it is a model.

    Raises:
        InputError: if none is; why the first is not.
    """
    problems = []
    patchset, wrong = None, {}
    if "patchset" in source:
        patchset = read_json(source["patchset"])
        with named(source["patchset"]):
            wrong = check_patchset(patchset, workspace)
    for signal in signals:
        files = workspace_files(source, signal)
        try:
            with named(*files.values(), said(signal)):
                if signal in wrong:
                    raise InputError(wrong[signal])
                if patchset:
                    return _compiled(from_patchset(workspace, patchset, signal))
                return _compiled(patched(workspace, read_json(files["patch"])))
        except InputError as error:
            problems.append(error)
    raise problems[0]


def _labels(source: dict) -> list[str]:
    """The labels of a patch set that can be axes: one or two, with numbers for each signal."""
    values = list(label_values(source).values())
    labels = list(values[0]) if values else []
    numbers = all(isinstance(value, int | float) for each in values for value in each.values())
    return labels if 1 <= len(labels) <= 2 and numbers and all(list(each) == labels for each in values) else []


def _of_many(signals: int) -> dict:
    """Settings of scans of many signals."""
    packed = min(SIGNALS_PER_JOB, signals // 4)
    return ({"signals_per_job": packed} if packed > 1 else {}) | ({"plots": []} if signals > PICTURES else {})


def _workspace_channels(workspace: dict) -> list[str]:
    return [
        f"  {said(channel['name'])}: {_number(len(channel['samples'][0]['data']), 'bin')}; "
        f"{_names(each['name'] for each in channel['samples'])}"
        for channel in workspace["channels"]
    ]


def _about_poi(workspace: dict, measurement: dict, measurements: list[str]) -> list[str]:
    poi = measurement["config"]["poi"]
    lines = [f"The parameter of interest is {said(poi)}, which scales {_names(_carriers(workspace, poi))}."]
    others = [name for name in measurements if name != measurement["name"]]
    return lines + ([f"Other measurements: {_names(others)}."] if others else [])


def _about_signals(name: str, source: dict, signals: list[str]) -> dict[tuple, list[str]]:
    if not signals:
        return {}
    here = ("datasets", name, "workspace")
    lines = [f"{len(signals)} signals: {_names(signals, 3)}.", "Fewer of them: a list of names, or a pattern:"]
    comments = {(*here, "signals"): [*lines, f"signals: {flow([signals[0]])}"]}
    if "patches" in source:
        comments[*here, END] = ['labels: "signal_{m1}_{m2}"    # the form of the names, for tables and grids']
    return comments


def _about_scan() -> dict[tuple, list[str]]:
    return {
        ("scan", "mu"): [
            "The tested values follow from the limits of each signal. Or values of your own:",
            "mu: {start: 0, stop: 5, number: 21}",
        ],
        ("scan", END): [
            "Where few events make asymptotic formulae wrong: toys, until limits are known to 5 %.",
            "calculators: [asymptotics, toybased]",
            "toys: {target: 0.05}",
        ],
    }


def _about_grid(name: str, labels: list[str]) -> dict[tuple, list[str]]:
    axes = {label: f"{said(label)} [GeV]" for label in labels}
    return {
        ("grids", name): ["Exclusion contour and tables for HEPData."],
        ("grids", name, END): [
            f"axis_labels: {flow(axes)}",
            "cross_sections: {csv: cross_sections.csv, unit: pb}    # limits on cross sections too",
        ],
    }


# The file ------------------------------------------------------------------------------------------------------------


def _names(names: Iterable[str], most: int = 8) -> str:
    return listed([said(name) for name in names], most)


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def block_name(file: str) -> str:
    """The name of a file as that of a data set and an analysis."""
    stem = re.sub(r"(\.json|\.csv|\.root|\.gz)+$", "", Path(file).name, flags=re.IGNORECASE)
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).strip("._+-")[:60]
    return f"my-{name}" if name.lower().split(".")[0] in RESERVED else name or "mine"


def found_in(file: str, patchset: str | None, patches: str | None) -> Found:
    """A configuration for a file of any kind.

    Raises:
        InputError: if it cannot be read.
    """
    for path in (file, patchset):
        if path is not None:
            check_input(path)
    kind = Path(file).suffix.lower()
    if kind in (".csv", ".root") and (patchset or patches):
        raise InputError(f"{file}: patches belong to a workspace, not to histograms")
    if patchset and patches:
        raise InputError("PATCHSET and PATCHES exclude one another; remove one")
    if kind in (".csv", ".root"):
        return {".csv": from_csv, ".root": from_root}[kind](block_name(file), file)
    return from_workspace(block_name(file), file, patchset, patches)


def written(found: Found, file: str, output: str) -> str:
    """The configuration as text.

    Raises:
        InputError: if it would not be accepted.
    """
    try:
        check(found.config, SCHEMA)
    except ConfigError as error:
        raise InputError(str(error)) from error
    head = [
        f"# {said(output, 200)}: limits from {said(file, 200)}, as make init understood it.",
        "# config/README.md explains every key. Lines that begin with # are comments; remove the # to use one.",
    ]
    return "\n".join(head) + "\n" + to_yaml(found.config, found.comments)


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--from", dest="file", required=True, help="histograms (CSV, ROOT) or pyhf workspace (JSON)")
    signals = parse.add_mutually_exclusive_group()
    signals.add_argument("--patchset", help="patch set of a background-only workspace")
    signals.add_argument("--patches", help="folder or pattern of loose patches")
    parse.add_argument("--output", help="the configuration; default: named after the file, in this folder")
    args = parse.parse_args(argv)
    output = args.output or f"{block_name(args.file)}.yaml"
    if os.path.lexists(output):
        raise InputError(f"{output} is already there; give the configuration another name: OUT=other.yaml")
    folder = os.path.dirname(output)
    if folder and not os.path.isdir(folder):
        raise InputError(f"there is no folder {folder!r} for {output}; make it first")
    found = found_in(args.file, args.patchset, args.patches)
    text = written(found, args.file, output)
    with open(output, "x", encoding="utf-8") as file:
        file.write(text)
    print(f"{output} written:", *found.summary, sep="\n  ")
    config = quote(output)
    print(f"Next: make check CONFIG={config}, then make scan CONFIG={config}")
