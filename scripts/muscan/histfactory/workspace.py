"""What a pyhf workspace says, with the form of its JSON checked; every convention is pyhf's."""

import json
import math
from typing import Any, NamedTuple

import numpy as np

from muscan.base.errors import InputError, Problems
from muscan.base.words import did_you_mean, shortened
from muscan.histfactory.parameters import TYPES

VERSION = "1.0.0"  # of pyhf's format
LARGEST = 1e50  # number in a workspace: squares and products of several stay far from the end of what a float holds
# The keys that pyhf's schema knows; it allows no others.
KEYS = {
    "workspace": {"version", "channels", "observations", "measurements"},
    "observation": {"name", "data"},
    "channel": {"name", "samples"},
    "sample": {"name", "data", "modifiers"},
    "modifier": {"name", "type", "data"},
    "normsys": {"lo", "hi"},
    "histosys": {"lo_data", "hi_data"},
    "measurement": {"name", "config"},
    "config": {"poi", "parameters"},
    "parameter": {"name", "inits", "bounds", "auxdata", "sigmas", "factors", "fixed"},
}


class Template(NamedTuple):
    """One sample in one channel."""

    channel: int
    sample: int
    where: str  # for messages
    nominal: list[float]
    modifiers: dict[tuple[str, str], Any]  # {(name, type): data}, in this order


class Spec(NamedTuple):
    """A workspace whose form has been checked."""

    channels: list[str]
    samples: list[str]
    edges: np.ndarray
    templates: list[Template]  # sorted by channel and sample
    observed: np.ndarray
    poi: str
    configs: dict[str, dict]  # of parameters, from the measurement


def _member(owner: Any, key: str, kind: type, where: str, of: str = "") -> Any:
    value = _member_any(owner, key, where, of)
    if not isinstance(value, kind):
        wanted = {list: "a list", dict: "an object", str: "a text"}[kind]
        raise InputError(f"{where}: {key!r} must be {wanted}, found {_short(value)}")
    return value


def _known_keys(owner: Any, kind: str, where: str) -> None:
    """pyhf refuses keys that it does not know: a misspelt one would be as if it were not there."""
    unknown = owner.keys() - KEYS[kind] if isinstance(owner, dict) else ()
    if unknown:
        name = min(unknown)
        raise InputError(f"{where}: unknown key {shortened(repr(name))}{did_you_mean(name, KEYS[kind] - owner.keys())}")


def _numbers(values: Any, where: str, length: int | None = None) -> list[float]:
    if not isinstance(values, list):
        raise InputError(f"{where}: expected a list of numbers, found {_short(values)}")
    if not _plainly_finite(values):
        for value in values:
            _number(value, where)
    if length is not None and len(values) != length:
        raise InputError(f"{where}: {len(values)} numbers for {length} bins")
    return values


def _plainly_finite(values: list) -> bool:
    """Whether a quick look finds nothing but finite numbers; most lists of a workspace pass it."""
    try:
        numbers = set(map(type, values)) <= {int, float} and math.isfinite(sum(values))
        return numbers and min(values, default=0) > -LARGEST and max(values, default=0) < LARGEST
    except OverflowError:
        return False


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where}: expected a number, found {_short(value)}")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise InputError(f"{where}: a number that is not finite (NaN or Infinity)")
    if abs(value) >= LARGEST:
        raise InputError(f"{where}: {value:g} is too large to calculate with; numbers go up to {LARGEST:g}")
    return value


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def specification(workspace: Any, known: dict) -> Spec:
    """Check the form of a workspace, first measurement.

    Args:
        workspace: JSON.
        known: keeps what was read of each sample, for other workspaces that share the object.

    Raises:
        InputError: with all problems and their places.
    """
    _known_keys(workspace, "workspace", "workspace")
    channels: dict[str, list] = {}
    for i, channel in enumerate(_member(workspace, "channels", list, "workspace", "workspace")):
        name = _member(channel, "name", str, f"channels[{i}]", "channel")
        _known_keys(channel, "channel", f"channel {name!r}")
        if name in channels:
            raise InputError(f"two channels have the name {name!r}")
        channels[name] = _member(channel, "samples", list, f"channel {name!r}")
        if not channels[name]:
            raise InputError(f"channel {name!r} has no samples")
    if not channels:
        raise InputError("the workspace has no channels")
    if _member(workspace, "version", str, "workspace") != VERSION:
        raise InputError(f"workspace: unknown version {shortened(repr(workspace['version']))}; there is {VERSION}")
    order, templates, problems = sorted(channels), [], Problems()
    for name in order:
        with problems.noted():
            templates += _templates(name, channels[name], known)
    sizes = {channel: len(nominal) for channel, _, _, nominal, _ in templates}
    with problems.noted():
        observed = _observed(workspace, sizes, [name for name in order if name in sizes])
    with problems.noted():
        poi, configs = _measurement(workspace)
    problems.end()
    samples = sorted({name for _, name, *_ in templates})
    return Spec(
        order,
        samples,
        np.cumsum([0, *(sizes[channel] for channel in order)]),
        [Template(order.index(channel), samples.index(sample), *rest) for channel, sample, *rest in templates],
        observed,
        poi,
        configs,
    )


def _templates(channel: str, samples: list, known: dict) -> list[tuple]:
    found = {}
    size = None
    sizes = {}
    for i, sample in enumerate(samples):
        name = _member(sample, "name", str, f"channel {channel!r}, samples[{i}]", "sample")
        sizes[name] = len(_member(sample, "data", list, f"channel {channel!r}, sample {name!r}", "sample"))
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{number} bins of {name!r}" for name, number in sizes.items())
        raise InputError(f"channel {channel!r} has samples of different lengths: {each}")
    problems = Problems()
    for sample in samples:
        name = sample["name"]
        where = f"channel {channel!r}, sample {name!r}"
        with problems.noted():
            if name in found:
                raise InputError(f"{where}: the name stands twice")
            key = (id(sample), where, size)
            if key not in known:
                known[key] = (sample, _nominal_and_modifiers(sample, where, size))  # the sample keeps its id
            nominal, modifiers = known[key][1]
            size = len(nominal)
            found[name] = (channel, name, where, nominal, modifiers)
    problems.end()
    return [found[name] for name in sorted(found)]


def _nominal_and_modifiers(sample: dict, where: str, size: int | None) -> tuple[list[float], dict]:
    _known_keys(sample, "sample", where)
    nominal = _numbers(_member(sample, "data", list, where), where, size)
    if not nominal:
        raise InputError(f"{where}: no bins")
    modifiers, problems = {}, Problems()
    for j, modifier in enumerate(_member(sample, "modifiers", list, where)):
        with problems.noted():
            key, data = _modifier(modifier, len(nominal), where, f"modifiers[{j}]")
            if key in modifiers:
                raise InputError(f"{where}, {key[1]} {key[0]!r}: stands twice")
            modifiers[key] = data
    problems.end()
    return nominal, dict(sorted(modifiers.items(), key=lambda item: item[0]))


def _modifier(modifier: Any, size: int, where: str, place: str) -> tuple[tuple[str, str], Any]:
    """((name, type), data) of a modifier of a sample with so many bins."""
    place = f"{where}, {place}"
    name, kind = (_member(modifier, key, str, place, "modifier") for key in ("name", "type"))
    place = f"{where}, {kind} {name!r}"
    if kind not in TYPES:
        hint = did_you_mean(kind, TYPES)
        raise InputError(f"{place}: unknown type of modifier; there are {', '.join(TYPES)}{hint}")
    _known_keys(modifier, "modifier", place)
    if kind == "lumi" and name != "lumi":
        raise InputError(f"{place}: the name of a lumi modifier must be 'lumi'")
    return (name, kind), _modifier_data(kind, _member_any(modifier, "data", place), size, place)


def _modifier_data(kind: str, data: Any, size: int, where: str) -> Any:
    if kind in ("normsys", "histosys"):
        _known_keys(data, kind, where)
    if kind == "normsys":
        pair = [_number(_member_any(data, key, where, kind), where) for key in ("lo", "hi")]
        if min(pair) <= 0:
            raise InputError(f"{where}: 'lo' and 'hi' must be positive, found {pair[0]:g} and {pair[1]:g}")
        return pair
    if kind == "histosys":
        return [_numbers(_member(data, key, list, where, kind), where, size) for key in ("lo_data", "hi_data")]
    if kind in ("shapesys", "staterror"):
        return _numbers(data, where, size)
    if data is not None:
        raise InputError(f"{where}: 'data' must be null, found {_short(data)}")
    return None


def _member_any(owner: Any, key: str, where: str, of: str = "") -> Any:
    """The value of a key; if it is missing, all keys that an object of this kind lacks are named."""
    if not isinstance(owner, dict):
        raise InputError(f"{where}: expected an object with {key!r}, found {_short(owner)}")
    if key not in owner:
        missing = [key, *sorted(KEYS.get(of, set()) - owner.keys() - {key})]
        raise InputError(f"{where}: {', '.join(f'{each!r} is missing' for each in missing)}")
    return owner[key]


def _observed(workspace: dict, sizes: dict[str, int], order: list[str]) -> np.ndarray:
    observed = {}
    for i, observation in enumerate(_member(workspace, "observations", list, "workspace")):
        name = _member(observation, "name", str, f"observations[{i}]", "observation")
        _known_keys(observation, "observation", f"observation {name!r}")
        if name in observed:
            raise InputError(f"two observations have the name {name!r}")
        observed[name] = _numbers(_member(observation, "data", list, f"observation {name!r}"), f"observation {name!r}")
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
    """The POI, and what the first measurement says of parameters."""
    measurements = _member(workspace, "measurements", list, "workspace")
    if not measurements:
        raise InputError("the workspace has no measurements")
    _known_keys(measurements[0], "measurement", "measurements[0]")
    _member(measurements[0], "name", str, "measurements[0]", "measurement")
    config = _member(measurements[0], "config", dict, "measurements[0]")
    _known_keys(config, "config", "measurements[0].config")
    poi = _member(config, "poi", str, "measurements[0].config", "config")
    if not poi:
        raise InputError(
            "the measurement names no parameter of interest (POI) that the model has: "
            "a background-only workspace needs a patch that adds the signal"
        )
    configs: dict[str, dict] = {}
    for i, config_of in enumerate(_member(config, "parameters", list, "measurements[0].config")):
        name = _member(config_of, "name", str, f"measurements[0].config.parameters[{i}]")
        if name in configs:
            raise InputError(f"the measurement sets {name!r} twice")
        configs[name] = _parameter_config(config_of, f"the measurement's parameter {name!r}")
    return poi, configs


def _parameter_config(config: dict, where: str) -> dict:
    lists = ("inits", "auxdata", "sigmas", "factors")
    _known_keys(config, "parameter", where)
    checked = {key: _numbers(config[key], f"{where}, {key}") for key in lists if key in config}
    if "bounds" in config:
        bounds = [_numbers(pair, f"{where}, bounds") for pair in _member(config, "bounds", list, where)]
        for pair in bounds:
            if len(pair) != 2 or pair[0] > pair[1]:
                raise InputError(f"{where}: bounds must be pairs of a lower and an upper one, found {pair}")
        checked["bounds"] = bounds
    for key in ("sigmas", "factors"):
        if min(checked.get(key, [1.0]), default=1.0) <= 0:
            raise InputError(f"{where}: {key} must be positive")
    if "fixed" in config:
        if not isinstance(config["fixed"], bool):
            raise InputError(f"{where}: 'fixed' must be true or false, found {_short(config['fixed'])}")
        checked["fixed"] = config["fixed"]
    return checked
