"""Read a pyhf workspace: check the form of its JSON, and sort it as pyhf does.

The format is that of pyhf 0.7 (https://scikit-hep.org/pyhf/likelihood.html). Channels and samples are sorted by name,
modifiers by name and type; the order of the parameters follows from it, see `compile`.
"""

from typing import Any, NamedTuple

import numpy as np

from muscan.base.errors import InputError, Problems
from muscan.base.words import did_you_mean, shorten
from muscan.histfactory.json_form import (
    json_excerpt,
    refuse_unknown_keys,
    require_key,
    require_number,
    require_numbers,
    require_type,
)
from muscan.histfactory.parameters import TYPES

VERSION = "1.0.0"  # of pyhf's format


class Template(NamedTuple):
    """One sample in one channel.

    Attributes:
        channel: index of the channel.
        sample: index of the sample.
        where: channel and sample in words, for messages.
        nominal: expected events in each bin.
        modifiers: the "data" of each modifier by its (name, type), in the order of these.
    """

    channel: int
    sample: int
    where: str
    nominal: list[float]
    modifiers: dict[tuple[str, str], Any]


class ParsedWorkspace(NamedTuple):
    """A workspace whose form has been checked.

    Attributes:
        channels: names, sorted.
        samples: names of the samples of all channels, sorted.
        edges: channel i has the bins `edges[i]` to `edges[i + 1]`, shape (nchannels + 1,).
        templates: sorted by channel and sample.
        observed: observed events, shape (nmain,).
        poi: name of the parameter of interest.
        configs: the settings of parameters by name, from the measurement.
    """

    channels: list[str]
    samples: list[str]
    edges: np.ndarray
    templates: list[Template]
    observed: np.ndarray
    poi: str
    configs: dict[str, dict]


def parse_workspace(workspace: Any, cache: dict) -> ParsedWorkspace:
    """Check the form of a workspace and sort its content; only the first measurement is used.

    Args:
        workspace: JSON.
        cache: keeps the checked content of samples between calls, for workspaces that share sample objects.

    Raises:
        InputError: if the workspace is not valid; with all problems and their places.
    """
    refuse_unknown_keys(workspace, "workspace", "workspace")
    channels = _channels(workspace)
    if require_type(workspace, "version", str, "workspace") != VERSION:
        version = shorten(repr(workspace["version"]))
        raise InputError(f"workspace: unknown version {version}; only {VERSION} can be read")
    order, templates, problems = sorted(channels), [], Problems()
    for name in order:
        with problems.collect():
            templates += _templates(name, channels[name], cache)
    sizes = {channel: len(nominal) for channel, _, _, nominal, _ in templates}
    with problems.collect():
        observed = _observed(workspace, sizes, [name for name in order if name in sizes])
    with problems.collect():
        poi, configs = _measurement(workspace)
    problems.raise_if_any()
    samples = sorted({name for _, name, *_ in templates})
    return ParsedWorkspace(
        order,
        samples,
        np.cumsum([0, *(sizes[channel] for channel in order)]),
        [Template(order.index(channel), samples.index(sample), *rest) for channel, sample, *rest in templates],
        observed,
        poi,
        configs,
    )


# Channels and samples ------------------------------------------------------------------------------------------------


def _channels(workspace: Any) -> dict[str, list]:
    """The samples of each channel, not yet checked."""
    channels: dict[str, list] = {}
    for i, channel in enumerate(require_type(workspace, "channels", list, "workspace", "workspace")):
        name = require_type(channel, "name", str, f"channels[{i}]", "channel")
        refuse_unknown_keys(channel, "channel", f"channel {name!r}")
        if name in channels:
            raise InputError(f"two channels have the name {name!r}")
        channels[name] = require_type(channel, "samples", list, f"channel {name!r}")
        if not channels[name]:
            raise InputError(f"channel {name!r} has no samples")
    if not channels:
        raise InputError("the workspace has no channels")
    return channels


def _templates(channel: str, samples: list, cache: dict) -> list[tuple[str, str, str, list[float], dict]]:
    """(channel, sample, where, nominal, modifiers) of each sample of a channel, sorted by the names of the samples."""
    _require_equal_lengths(channel, samples)
    templates, problems, size = {}, Problems(), None
    for sample in samples:
        name = sample["name"]
        where = f"channel {channel!r}, sample {name!r}"
        with problems.collect():
            if name in templates:
                raise InputError(f"{where}: the name is given twice")
            key = (id(sample), where, size)
            if key not in cache:
                # The sample is kept too, so that no other object can get its id.
                cache[key] = (sample, _nominal_and_modifiers(sample, where, size))
            nominal, modifiers = cache[key][1]
            size = len(nominal)
            templates[name] = (channel, name, where, nominal, modifiers)
    problems.raise_if_any()
    return [templates[name] for name in sorted(templates)]


def _require_equal_lengths(channel: str, samples: list) -> None:
    sizes = {}
    for i, sample in enumerate(samples):
        name = require_type(sample, "name", str, f"channel {channel!r}, samples[{i}]", "sample")
        sizes[name] = len(require_type(sample, "data", list, f"channel {channel!r}, sample {name!r}", "sample"))
    if len(set(sizes.values())) > 1:
        lengths = ", ".join(f"{number} bins of {name!r}" for name, number in sizes.items())
        raise InputError(f"channel {channel!r} has samples of different lengths: {lengths}")


def _nominal_and_modifiers(sample: dict, where: str, size: int | None) -> tuple[list[float], dict]:
    """The template and the modifiers of a sample; `size` is the number of bins, if it is known already."""
    refuse_unknown_keys(sample, "sample", where)
    nominal = require_numbers(require_type(sample, "data", list, where), where, size)
    if not nominal:
        raise InputError(f"{where}: no bins")
    modifiers, problems = {}, Problems()
    for j, modifier in enumerate(require_type(sample, "modifiers", list, where)):
        with problems.collect():
            key, data = _modifier(modifier, len(nominal), where, f"modifiers[{j}]")
            if key in modifiers:
                raise InputError(f"{where}, {key[1]} {key[0]!r}: the modifier is given twice")
            modifiers[key] = data
    problems.raise_if_any()
    return nominal, dict(sorted(modifiers.items(), key=lambda item: item[0]))


# Modifiers -----------------------------------------------------------------------------------------------------------


def _modifier(modifier: Any, size: int, where: str, place: str) -> tuple[tuple[str, str], Any]:
    """((name, type), data) of a modifier of a sample with `size` bins."""
    place = f"{where}, {place}"
    name, kind = (require_type(modifier, key, str, place, "modifier") for key in ("name", "type"))
    place = f"{where}, {kind} {name!r}"
    if kind not in TYPES:
        hint = did_you_mean(kind, TYPES)
        raise InputError(f"{place}: unknown type of modifier; there are {', '.join(TYPES)}{hint}")
    refuse_unknown_keys(modifier, "modifier", place)
    if kind == "lumi" and name != "lumi":
        raise InputError(f"{place}: the name of a lumi modifier must be 'lumi'")
    return (name, kind), _modifier_data(kind, require_key(modifier, "data", place), size, place)


def _modifier_data(kind: str, data: Any, size: int, where: str) -> Any:
    """Checked data: [lo, hi] of a normsys, [lo_data, hi_data] of a histosys, a list per bin, or None."""
    if kind in ("normsys", "histosys"):
        refuse_unknown_keys(data, kind, where)
    if kind == "normsys":
        pair = [require_number(require_key(data, key, where, kind), where) for key in ("lo", "hi")]
        if min(pair) <= 0:
            raise InputError(f"{where}: 'lo' and 'hi' must be positive, found {pair[0]:g} and {pair[1]:g}")
        return pair
    if kind == "histosys":
        return [
            require_numbers(require_type(data, key, list, where, kind), where, size) for key in ("lo_data", "hi_data")
        ]
    if kind in ("shapesys", "staterror"):
        return require_numbers(data, where, size)
    if data is not None:
        raise InputError(f"{where}: 'data' must be null, found {json_excerpt(data)}")
    return None


# Observations and measurement ----------------------------------------------------------------------------------------


def _observed(workspace: dict, sizes: dict[str, int], order: list[str]) -> np.ndarray:
    """Observed events of the channels in this order, shape (nmain,)."""
    observed = {}
    for i, observation in enumerate(require_type(workspace, "observations", list, "workspace")):
        name = require_type(observation, "name", str, f"observations[{i}]", "observation")
        where = f"observation {name!r}"
        refuse_unknown_keys(observation, "observation", where)
        if name in observed:
            raise InputError(f"two observations have the name {name!r}")
        observed[name] = require_numbers(require_type(observation, "data", list, where), where)
    for channel in order:
        if channel not in observed:
            raise InputError(f"channel {channel!r} has no observation")
        if len(observed[channel]) != sizes[channel]:
            raise InputError(
                f"channel {channel!r} has {len(observed[channel])} bins of observed data "
                f"and templates of {sizes[channel]}"
            )
        if min(observed[channel]) < 0:
            raise InputError(f"channel {channel!r} has negative observed data: {min(observed[channel]):g}")
    return np.array([count for channel in order for count in observed[channel]], dtype=float)


def _measurement(workspace: dict) -> tuple[str, dict[str, dict]]:
    """The POI, and the settings of parameters by name, from the first measurement."""
    measurements = require_type(workspace, "measurements", list, "workspace")
    if not measurements:
        raise InputError("the workspace has no measurements")
    refuse_unknown_keys(measurements[0], "measurement", "measurements[0]")
    require_type(measurements[0], "name", str, "measurements[0]", "measurement")
    config = require_type(measurements[0], "config", dict, "measurements[0]")
    refuse_unknown_keys(config, "config", "measurements[0].config")
    poi = require_type(config, "poi", str, "measurements[0].config", "config")
    if not poi:
        raise InputError(
            "the measurement names no parameter of interest (POI): "
            "a background-only workspace needs a patch that adds the signal"
        )
    configs: dict[str, dict] = {}
    for i, parameter in enumerate(require_type(config, "parameters", list, "measurements[0].config")):
        name = require_type(parameter, "name", str, f"measurements[0].config.parameters[{i}]")
        if name in configs:
            raise InputError(f"the measurement sets {name!r} twice")
        configs[name] = _parameter_config(parameter, f"the measurement's parameter {name!r}")
    return poi, configs


def _parameter_config(config: dict, where: str) -> dict:
    """The checked settings of one parameter."""
    refuse_unknown_keys(config, "parameter", where)
    lists = ("inits", "auxdata", "sigmas", "factors")
    checked = {key: require_numbers(config[key], f"{where}, {key}") for key in lists if key in config}
    if "bounds" in config:
        checked["bounds"] = _bounds(config, where)
    for key in ("sigmas", "factors"):
        if min(checked.get(key, [1.0]), default=1.0) <= 0:
            raise InputError(f"{where}: {key} must be positive")
    if "fixed" in config:
        if not isinstance(config["fixed"], bool):
            raise InputError(f"{where}: 'fixed' must be true or false, found {json_excerpt(config['fixed'])}")
        checked["fixed"] = config["fixed"]
    return checked


def _bounds(config: dict, where: str) -> list[list[float]]:
    bounds = [require_numbers(pair, f"{where}, bounds") for pair in require_type(config, "bounds", list, where)]
    for pair in bounds:
        if len(pair) != 2 or pair[0] > pair[1]:
            raise InputError(f"{where}: bounds must be pairs of a lower and an upper bound, found {pair}")
    return bounds
