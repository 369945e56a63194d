"""Build a HistFactory workspace from histograms.

Reads histograms.csv and a model (which modifiers each sample carries), writes workspace.json in pyhf's format.
"""

from collections.abc import Callable

import numpy as np

from muscan.base.errors import InputError, Problems
from muscan.base.words import did_you_mean, listed
from muscan.inputs.histograms import Histograms

Columns = dict[str, np.ndarray]


def per_bin(value: str | float | list | dict, columns: Columns, nominal: np.ndarray) -> list[float]:
    """Absolute uncertainty per bin.

    Args:
        value: "sqrt" (of the template), a number (relative to the size of the template), a list (absolute, one per
            bin), or {"column": name} (absolute, from the histograms).
        columns: columns of the channel.
        nominal: the sample's template.
    """
    if value == "sqrt":
        with np.errstate(invalid="ignore"):  # a negative template gives nan, and a message
            return np.sqrt(nominal).tolist()
    if isinstance(value, dict):
        return _column(columns, value["column"]).tolist()
    if isinstance(value, list):
        return [float(each) for each in value]
    return (float(value) * np.abs(nominal)).tolist()


def _uncertainty(spec: dict, columns: Columns, nominal: np.ndarray) -> list[float]:
    return per_bin(spec["uncertainty"], columns, nominal)


def _scale(spec: dict, columns: Columns, nominal: np.ndarray) -> dict:
    return {"hi": float(spec["up"]), "lo": float(spec["down"])}


def _templates(spec: dict, columns: Columns, nominal: np.ndarray) -> dict:
    return {
        "hi_data": _column(columns, spec["up"]).tolist(),
        "lo_data": _column(columns, spec["down"]).tolist(),
    }


def _nothing(spec: dict, columns: Columns, nominal: np.ndarray) -> None:
    return None


# What pyhf wants as `data` of each modifier type.
MODIFIERS: dict[str, Callable] = {
    "normfactor": _nothing,
    "shapefactor": _nothing,
    "lumi": _nothing,
    "shapesys": _uncertainty,
    "staterror": _uncertainty,
    "normsys": _scale,
    "histosys": _templates,
}


def build(histograms: Histograms, model: dict) -> dict:
    """A workspace of all channels.

    Args:
        histograms: templates and observed counts.
        model: `samples`, {sample: [modifier, ...]}; `poi`; `parameters`, as in a pyhf measurement.

    Raises:
        InputError: if the model does not fit the histograms; names the sample, the modifier and the channel.
    """
    problems = Problems()
    for name, modifiers in model["samples"].items():
        with problems.noted():
            _check_sample(name, modifiers, histograms)
    problems.end()
    channels = [
        {
            "name": channel,
            "samples": [
                _sample(name, modifiers, channel, columns)
                for name, modifiers in model["samples"].items()
                if name in columns
            ],
        }
        for channel, columns in histograms.columns.items()
    ]
    for channel in channels:
        if not channel["samples"]:
            raise InputError(f"channel {channel['name']!r} has none of the samples of the model")
    observations = [
        {"name": channel, "data": columns["observed"].tolist()}
        for channel, columns in histograms.columns.items()
        if "observed" in columns
    ]
    config = {"poi": model["poi"], "parameters": model["parameters"]}
    return {
        "version": "1.0.0",
        "channels": channels,
        "observations": observations,
        "measurements": [{"name": "measurement", "config": config}],
    }


def _check_sample(name: str, modifiers: list[dict], histograms: Histograms) -> None:
    """A sample and its modifiers must be somewhere in the histograms."""
    present = [channel for channel, columns in histograms.columns.items() if name in columns]
    if not present:
        everything = {column: 0 for columns in histograms.columns.values() for column in columns}
        _column(everything, name)
    for spec in modifiers:
        for channel in spec.get("channels", []):
            if channel not in histograms.columns:
                known = list(histograms.columns)
                raise InputError(
                    f"sample {name!r}, {spec['type']} {spec['name']!r}: "
                    f"there is no channel {channel!r}, only {listed(known)}{did_you_mean(channel, known)}"
                )
        mine = [channel for channel in present if channel in spec.get("channels", present)]
        if spec["type"] == "shapesys" and len(mine) > 1:
            raise InputError(
                f"sample {name!r}, shapesys {spec['name']!r}: its bins are independent, but it stands in the channels "
                f"{', '.join(mine)}: give it once for each channel, under different names, with `channels`"
            )


def _sample(name: str, modifiers: list[dict], channel: str, columns: Columns) -> dict:
    nominal = columns[name]
    return {
        "name": name,
        "data": nominal.tolist(),
        "modifiers": [
            {"name": spec["name"], "type": spec["type"], "data": _checked_data(spec, name, channel, columns)}
            for spec in modifiers
            if channel in spec.get("channels", [channel])
        ],
    }


def _checked_data(spec: dict, sample: str, channel: str, columns: Columns):
    """What pyhf wants as `data` of a modifier; messages name the place."""
    place = f"channel {channel!r}, sample {sample!r}, {spec['type']} {spec['name']!r}"
    try:
        data = _data(spec, columns, columns[sample])
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    if MODIFIERS[spec["type"]] is not _uncertainty or "data" in spec:
        return data
    if len(data) != len(columns[sample]):
        raise InputError(f"{place}: {len(data)} uncertainties for {len(columns[sample])} bins")
    for i, (value, count) in enumerate(zip(data, columns[sample], strict=True)):
        if not value >= 0:
            root = (
                ", as a root of negative events; give it as a column or a list" if count < 0 and value != value else ""
            )
            raise InputError(f"{place}: the uncertainty of bin {i + 1}, with {count:g} events, is {value:g}{root}")
    return data


def _data(spec: dict, columns: Columns, nominal: np.ndarray):
    return spec["data"] if "data" in spec else MODIFIERS[spec["type"]](spec, columns, nominal)


def _column(columns: Columns, name: str) -> np.ndarray:
    if name not in columns:
        known = list(columns)
        raise InputError(f"the histograms have no column {name!r}, only {listed(known)}{did_you_mean(name, known)}")
    return columns[name]
