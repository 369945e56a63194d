"""Build a HistFactory workspace from histograms and a model, which lists the modifiers of each sample."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from muscan.base.errors import InputError, Problems
from muscan.base.words import did_you_mean, join_items
from muscan.inputs.histograms import OBSERVED, Histograms

Columns = dict[str, np.ndarray]  # the columns of one channel, shape (nbins,) each


def absolute_uncertainties(value: str | float | list | dict, columns: Columns, nominal: np.ndarray) -> list[float]:
    """Return the absolute uncertainty of a template in each bin.

    Args:
        value: "sqrt" for the square root of the template, a number relative to the absolute value of the template, a
            list of absolute values, shape (nbins,), or {"column": name} for a column of absolute values.
        columns: the columns of the channel.
        nominal: the template, shape (nbins,).

    Returns:
        as many values as there are bins; a list in `value` is returned as it is.

    Raises:
        InputError: if there is no such column.
    """
    if value == "sqrt":
        with np.errstate(invalid="ignore"):  # negative bins give nan, which is reported later
            return np.sqrt(nominal).tolist()
    if isinstance(value, dict):
        return _column(columns, value["column"]).tolist()
    if isinstance(value, list):
        return [float(each) for each in value]
    return (float(value) * np.abs(nominal)).tolist()


def _uncertainties(spec: dict, columns: Columns, nominal: np.ndarray) -> list[float]:
    return absolute_uncertainties(spec["uncertainty"], columns, nominal)


def _scale_factors(spec: dict, columns: Columns, nominal: np.ndarray) -> dict[str, float]:
    return {"hi": float(spec["up"]), "lo": float(spec["down"])}


def _varied_templates(spec: dict, columns: Columns, nominal: np.ndarray) -> dict[str, list[float]]:
    return {
        "hi_data": _column(columns, spec["up"]).tolist(),
        "lo_data": _column(columns, spec["down"]).tolist(),
    }


def _no_data(spec: dict, columns: Columns, nominal: np.ndarray) -> None:
    return None


# Make the `data` of a modifier in pyhf's format, for each type of modifier.
MODIFIERS: dict[str, Callable[[dict, Columns, np.ndarray], Any]] = {
    "normfactor": _no_data,
    "shapefactor": _no_data,
    "lumi": _no_data,
    "shapesys": _uncertainties,
    "staterror": _uncertainties,
    "normsys": _scale_factors,
    "histosys": _varied_templates,
}


def build(histograms: Histograms, model: dict) -> dict:
    """Build a workspace of all channels.

    Args:
        histograms: templates and observed events.
        model: `samples`, {sample: [modifier, ...]}; `poi`; `parameters` as in a pyhf measurement.

    Returns:
        pyhf JSON with one measurement.

    Raises:
        InputError: if the model does not fit the histograms; names the sample, the modifier and the channel.
    """
    _check_samples(model["samples"], histograms)
    channels = [
        {"name": channel, "samples": _samples(model["samples"], channel, columns)}
        for channel, columns in histograms.columns.items()
    ]
    for channel in channels:
        if not channel["samples"]:
            raise InputError(f"channel {channel['name']!r} has none of the samples of the model")
    observations = [
        {"name": channel, "data": columns[OBSERVED].tolist()}
        for channel, columns in histograms.columns.items()
        if OBSERVED in columns
    ]
    config = {"poi": model["poi"], "parameters": model["parameters"]}
    return {
        "version": "1.0.0",
        "channels": channels,
        "observations": observations,
        "measurements": [{"name": "measurement", "config": config}],
    }


def _check_samples(samples: dict[str, list[dict]], histograms: Histograms) -> None:
    """Require that the histograms have all samples, and the channels that modifiers name."""
    problems = Problems()
    for sample, modifiers in samples.items():
        with problems.collect():
            present = _channels_with(sample, histograms)
            for spec in modifiers:
                _check_channels(spec, f"sample {sample!r}, {spec['type']} {spec['name']!r}", present, histograms)
    problems.raise_if_any()


def _channels_with(sample: str, histograms: Histograms) -> list[str]:
    """Return the channels that have a template of a sample; an error if there are none."""
    present = [channel for channel, columns in histograms.columns.items() if sample in columns]
    if not present:
        raise _missing_column(sample, (name for columns in histograms.columns.values() for name in columns))
    return present


def _check_channels(spec: dict, place: str, present: list[str], histograms: Histograms) -> None:
    """Require that the channels of a modifier exist, and that a shapesys has only one.

    Args:
        spec: the modifier.
        place: sample and modifier, for messages.
        present: the channels with a template of the sample.
        histograms: of the data set.
    """
    for channel in spec.get("channels", []):
        if channel not in histograms.columns:
            known = list(histograms.columns)
            raise InputError(
                f"{place}: there is no channel {channel!r}, only {join_items(known)}{did_you_mean(channel, known)}"
            )
    channels = [channel for channel in present if channel in spec.get("channels", present)]
    if spec["type"] == "shapesys" and len(channels) > 1:
        raise InputError(
            f"{place}: its bins are independent, but it acts on several channels, {', '.join(channels)}: "
            "define one for each channel, with different names and with `channels`"
        )


def _samples(samples: dict[str, list[dict]], channel: str, columns: Columns) -> list[dict]:
    """Return the samples of a channel in pyhf's format."""
    return [
        {
            "name": sample,
            "data": columns[sample].tolist(),
            "modifiers": [
                {"name": spec["name"], "type": spec["type"], "data": _modifier_data(spec, sample, channel, columns)}
                for spec in modifiers
                if channel in spec.get("channels", [channel])
            ],
        }
        for sample, modifiers in samples.items()
        if sample in columns
    ]


def _modifier_data(spec: dict, sample: str, channel: str, columns: Columns) -> Any:
    """Return the `data` of a modifier in pyhf's format; messages name the channel, the sample and the modifier."""
    if "data" in spec:
        return spec["data"]
    place = f"channel {channel!r}, sample {sample!r}, {spec['type']} {spec['name']!r}"
    try:
        data = MODIFIERS[spec["type"]](spec, columns, columns[sample])
        if MODIFIERS[spec["type"]] is _uncertainties:
            _check_uncertainties(data, columns[sample])
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    return data


def _check_uncertainties(uncertainties: list[float], nominal: np.ndarray) -> None:
    """Require an uncertainty for each bin that is zero or larger."""
    if len(uncertainties) != len(nominal):
        raise InputError(f"{len(uncertainties)} uncertainties for {len(nominal)} bins")
    for i, (value, count) in enumerate(zip(uncertainties, nominal, strict=True)):
        if not value >= 0:
            from_root = count < 0 and value != value
            hint = ", the square root of a negative number; define it by a column or a list" if from_root else ""
            raise InputError(f"the uncertainty of bin {i + 1}, with {count:g} events, is {value:g}{hint}")


def _column(columns: Columns, name: str) -> np.ndarray:
    if name not in columns:
        raise _missing_column(name, columns)
    return columns[name]


def _missing_column(name: str, columns: Iterable[str]) -> InputError:
    known = list(dict.fromkeys(columns))
    return InputError(f"the histograms have no column {name!r}, only {join_items(known)}{did_you_mean(name, known)}")
