"""From a pyhf workspace to the arrays of a model, straight from the JSON; every convention is pyhf's."""

import json
import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from inference import parameters
from inference.errors import InputError, Problems
from inference.model import INTERPOLATIONS, BinFactors, Constraints, Factors, HistoSys, Model, NormSys
from inference.parameters import TYPES, ParameterSet
from messages import did_you_mean, shortened

BIN_TYPES = ("shapefactor", "shapesys", "staterror")
VERSION = "1.0.0"  # of pyhf's format
LARGEST = 1e50  # number in a workspace: squares and products of several stay far from the end of what a float holds
# Widths of constraints, whose inverse squares must be numbers too.
NARROWEST, WIDEST = 1e-50, 1e50
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


def compile_workspace(workspace: dict, interpolation: dict | None = None, known: dict | None = None) -> Model:
    """Compile the first measurement of a workspace.

    Args:
        workspace: pyhf JSON, patched.
        interpolation: codes by modifier type, `{"normsys": "code4", "histosys": "code4p"}`.
        known: keeps what was read of each sample, so that the signals of one published workspace, which share the
            objects of its background samples, read these once.

    Raises:
        InputError: if the workspace cannot be a model, with the place in it.
    """
    codes = {kind: known[0] for kind, known in INTERPOLATIONS.items()} | (interpolation or {})
    spec = _checked(workspace, {} if known is None else known)
    sets = _parameter_sets(spec)
    start = dict(zip(sets, np.cumsum([0, *(each.size for each in sets.values())]).tolist(), strict=False))
    names = [name if each.scalar else f"{name}[{i}]" for name, each in sets.items() for i in range(each.size)]
    if spec.poi not in sets:
        raise InputError(
            f"the measurement's parameter of interest (POI), {spec.poi!r}, is not in the model: "
            "a background-only workspace needs a patch that adds the signal"
        )
    if sets[spec.poi].size > 1:
        raise InputError(f"the parameter of interest, {spec.poi!r}, has {sets[spec.poi].size} components")
    if sets[spec.poi].constraint:
        raise InputError(f"the parameter of interest, {spec.poi!r}, has a constraint: it must be a normfactor")
    constrained = [(start[name], each) for name, each in sets.items() if each.constraint]
    model = Model(
        names=names,
        initial=_joined(each.inits for each in sets.values()),
        fixed=_joined((each.fixed for each in sets.values()), bool),
        bounds=_joined(each.bounds for each in sets.values()).reshape(-1, 2),
        poi=start[spec.poi],
        channels=spec.channels,
        edges=spec.edges,
        samples=spec.samples,
        data=np.concatenate([spec.observed, _joined(each.auxdata for _, each in constrained)]),
        nominal=_nominal(spec),
        constraints=_constraints(constrained),
        **_modifiers(spec, start),
        interpolation=codes,
    )
    if model.fixed[model.poi]:
        raise InputError(f"the parameter of interest, {model.poi_name}, is fixed by the workspace")
    return _held_by_bounds(model)


def _held_by_bounds(model: Model) -> Model:
    """A parameter without room between its bounds is fixed there; the bounds of the POI follow the scan."""
    low, high = model.bounds.T
    held = ~model.fixed & (low == high)
    held[model.poi] = False
    return replace(model, initial=np.where(held, low, model.initial), fixed=model.fixed | held)


def _joined(parts, kind: type = float) -> np.ndarray:
    parts = [np.asarray(part, dtype=kind) for part in parts]
    return np.concatenate(parts) if parts else np.zeros(0, kind)


# The form of the JSON ------------------------------------------------------------------------------------------------


def _member(owner: Any, key: str, kind: type, where: str) -> Any:
    if not isinstance(owner, dict):
        raise InputError(f"{where}: expected an object with {key!r}, found {_short(owner)}")
    if key not in owner:
        raise InputError(f"{where}: {key!r} is missing")
    value = owner[key]
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


def _checked(workspace: Any, known: dict) -> Spec:
    _known_keys(workspace, "workspace", "workspace")
    channels: dict[str, list] = {}
    for i, channel in enumerate(_member(workspace, "channels", list, "workspace")):
        name = _member(channel, "name", str, f"channels[{i}]")
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
        name = _member(sample, "name", str, f"channel {channel!r}, samples[{i}]")
        sizes[name] = len(_member(sample, "data", list, f"channel {channel!r}, sample {name!r}"))
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
    name, kind = (_member(modifier, key, str, place) for key in ("name", "type"))
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
        pair = [_number(_member_any(data, key, where), where) for key in ("lo", "hi")]
        if min(pair) <= 0:
            raise InputError(f"{where}: 'lo' and 'hi' must be positive, found {pair[0]:g} and {pair[1]:g}")
        return pair
    if kind == "histosys":
        return [_numbers(_member(data, key, list, where), where, size) for key in ("lo_data", "hi_data")]
    if kind in ("shapesys", "staterror"):
        return _numbers(data, where, size)
    if data is not None:
        raise InputError(f"{where}: 'data' must be null, found {_short(data)}")
    return None


def _member_any(owner: Any, key: str, where: str) -> Any:
    if not isinstance(owner, dict):
        raise InputError(f"{where}: expected an object with {key!r}, found {_short(owner)}")
    if key not in owner:
        raise InputError(f"{where}: {key!r} is missing")
    return owner[key]


def _observed(workspace: dict, sizes: dict[str, int], order: list[str]) -> np.ndarray:
    observed = {}
    for i, observation in enumerate(_member(workspace, "observations", list, "workspace")):
        name = _member(observation, "name", str, f"observations[{i}]")
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
    return _joined(observed[channel] for channel in order)


def _measurement(workspace: dict) -> tuple[str, dict[str, dict]]:
    """The POI, and what the first measurement says of parameters."""
    measurements = _member(workspace, "measurements", list, "workspace")
    if not measurements:
        raise InputError("the workspace has no measurements")
    _known_keys(measurements[0], "measurement", "measurements[0]")
    _member(measurements[0], "name", str, "measurements[0]")
    config = _member(measurements[0], "config", dict, "measurements[0]")
    _known_keys(config, "config", "measurements[0].config")
    poi = _member(config, "poi", str, "measurements[0].config")
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


# Parameters ----------------------------------------------------------------------------------------------------------


def _parameter_sets(spec: Spec) -> dict[str, ParameterSet]:
    """In pyhf's order: by type, then in the order in which channels, samples and modifiers are met."""
    found: dict[str, tuple[str, ParameterSet]] = {}
    for kind in TYPES:
        for name, default, where in _required(spec, kind):
            other = found.setdefault(name, (where, default))
            if other[1] != default:
                raise InputError(f"the name {name!r} stands for parameters of two kinds: {other[0]}; {where}")
    if not found:
        raise InputError("the workspace has no modifiers, and so no parameters")
    sets = {
        name: parameters.configured(name, default, spec.configs.get(name, {})) for name, (_, default) in found.items()
    }
    for name, each in sets.items():
        if each.constraint:
            _check_widths(found[name][0], name, each.width)
    return sets


def _check_widths(where: str, name: str, widths: np.ndarray) -> None:
    wrong = np.flatnonzero(~((widths > NARROWEST) & (widths < WIDEST)))
    if len(wrong):
        number = wrong[0]
        place = f", bin {number + 1}" if len(widths) > 1 else ""
        raise InputError(
            f"{where} {name!r}{place}: a relative uncertainty below {NARROWEST:g} or above {WIDEST:g} cannot be "
            "calculated with: set it to zero, or leave the modifier out"
        )


def _required(spec: Spec, kind: str) -> list[tuple[str, ParameterSet, str]]:
    makers = {
        "histosys": lambda template, data: parameters.alpha(),
        "normsys": lambda template, data: parameters.alpha(),
        "normfactor": lambda template, data: parameters.normfactor(),
        "lumi": lambda template, data: parameters.lumi(),
        "shapefactor": lambda template, data: parameters.shapefactor(len(template.nominal)),
        "shapesys": lambda template, data: parameters.shapesys(template.nominal, data),
    }
    if kind == "staterror":
        return _staterrors(spec)
    required, met = [], {}
    for template in spec.templates:
        for name, other_kind in template.modifiers:
            if other_kind != kind:
                continue
            where = f"{template.where}, {kind}"
            if kind == "shapesys" and name in met:
                raise InputError(f"{where} {name!r} is already used by {met[name]}: a shapesys cannot be shared")
            if kind not in ("shapesys", "shapefactor") and name in met:
                continue
            met[name] = template.where
            required.append((name, makers[kind](template, template.modifiers[name, kind]), where))
    return required


def _staterrors(spec: Spec) -> list[tuple[str, ParameterSet, str]]:
    """Relative uncertainties, added in quadrature over the samples that carry the modifier."""
    required = []
    for name, carriers in _carriers(spec).items():
        nominal, variance = np.zeros(spec.edges[-1]), np.zeros(spec.edges[-1])
        by_sample: dict[int, list[Template]] = {}
        for template in carriers:
            by_sample.setdefault(template.sample, []).append(template)
        masks = {sample: {template.channel for template in each} for sample, each in by_sample.items()}
        first = next(iter(masks.values()))
        if any(mask != first for mask in masks.values()):
            raise InputError(f"staterror {name!r} stands on samples in different channels")
        # pyhf sums the templates of those samples over all channels.
        for template in spec.templates:
            if template.sample in by_sample:
                nominal[spec.edges[template.channel] : spec.edges[template.channel + 1]] += template.nominal
        for sample in sorted(by_sample):
            for template in by_sample[sample]:
                bins = slice(spec.edges[template.channel], spec.edges[template.channel + 1])
                uncertainty = np.asarray(template.modifiers[name, "staterror"], dtype=float)
                positive = nominal[bins] > 0
                relative = np.divide(uncertainty, nominal[bins], out=np.zeros_like(uncertainty), where=positive)
                variance[bins] += relative**2
        sigmas = np.sqrt(variance)
        bins = np.concatenate([np.arange(spec.edges[channel], spec.edges[channel + 1]) for channel in sorted(first)])
        required.append((name, parameters.staterror(sigmas[bins]), f"{carriers[0].where}, staterror"))
    return required


def _carriers(spec: Spec) -> dict[str, list[Template]]:
    """Templates by the name of their staterror; pyhf goes through the modifiers in order of their names."""
    carriers: dict[str, list[Template]] = {}
    for template in spec.templates:
        for name, kind in template.modifiers:
            if kind == "staterror":
                carriers.setdefault(name, []).append(template)
    return {name: carriers[name] for name in sorted(carriers)}


# Arrays --------------------------------------------------------------------------------------------------------------


def _nominal(spec: Spec) -> np.ndarray:
    nominal = np.zeros((len(spec.samples), spec.edges[-1]))
    for template in spec.templates:
        nominal[template.sample, spec.edges[template.channel] : spec.edges[template.channel + 1]] = template.nominal
    return nominal


def _constraints(constrained: list[tuple[int, ParameterSet]]) -> Constraints:
    return Constraints(
        _joined((np.arange(start, start + each.size) for start, each in constrained), int),
        _joined((np.full(each.size, each.constraint == "poisson") for _, each in constrained), bool),
        _joined(each.factors if each.constraint == "poisson" else np.ones(each.size) for _, each in constrained),
        _joined(each.width for _, each in constrained),
    )


def _modifiers(spec: Spec, start: dict[str, int]) -> dict:
    norm, factors, shifts, gammas = [], [], [], []
    offsets = _staterror_offsets(spec)
    for template in spec.templates:
        first, size = int(spec.edges[template.channel]), len(template.nominal)
        for (name, kind), data in template.modifiers.items():
            if kind == "normsys":
                norm.append((template.channel, template.sample, start[name], *data))
            elif kind == "histosys":
                shifts.append((template.sample, start[name], first, template.nominal, *data))
            elif kind in BIN_TYPES:
                offset = offsets[name][template.channel] if kind == "staterror" else 0
                gammas.append((template.sample, first, start[name] + offset, size))
            else:
                factors.append((template.channel, template.sample, start[name]))
    return {
        "normsys": NormSys(*_columns(norm, 3), *(np.array([row[i] for row in norm], float) for i in (3, 4))),
        "factors": Factors(*_columns(factors, 3)),
        "histosys": _histosys(shifts),
        "bin_factors": BinFactors(
            _joined((np.full(size, sample) for sample, _, _, size in gammas), int),
            _joined((np.arange(first, first + size) for _, first, _, size in gammas), int),
            _joined((np.arange(parameter, parameter + size) for _, _, parameter, size in gammas), int),
        ),
    }


def _columns(rows: list[tuple], number: int) -> list[np.ndarray]:
    return [np.array([row[i] for row in rows], dtype=int) for i in range(number)]


def _histosys(shifts: list[tuple]) -> HistoSys:
    sizes = np.array([len(row[3]) for row in shifts], dtype=int)
    sample, parameter, first = (np.repeat(column, sizes) for column in _columns(shifts, 3))
    nominal, low, high = (np.array([value for row in shifts for value in row[i]], dtype=float) for i in (3, 4, 5))
    bins = first + np.arange(len(first)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return HistoSys(sample, bins, parameter, low - nominal, high - nominal)


def _staterror_offsets(spec: Spec) -> dict[str, dict[int, int]]:
    """Where the bins of each channel begin among the gammas of a name."""
    offsets: dict[str, dict[int, int]] = {}
    for name, carriers in _carriers(spec).items():
        channels = sorted({template.channel for template in carriers})
        sizes = [int(spec.edges[channel + 1] - spec.edges[channel]) for channel in channels]
        offsets[name] = dict(zip(channels, np.cumsum([0, *sizes]).tolist(), strict=False))
    return offsets
