"""From a pyhf workspace to the arrays of a model, straight from the JSON; every convention is pyhf's."""

from dataclasses import replace

import numpy as np

from muscan.base.errors import InputError
from muscan.histfactory import parameters
from muscan.histfactory.model import INTERPOLATIONS, BinFactors, Constraints, Dropped, Factors, HistoSys, Model, NormSys
from muscan.histfactory.parameters import TYPES, ParameterSet
from muscan.histfactory.workspace import Spec, Template, specification

BIN_TYPES = ("shapefactor", "shapesys", "staterror")
# Widths of constraints, whose inverse squares must be numbers too.
NARROWEST, WIDEST = 1e-50, 1e50


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
    spec = specification(workspace, {} if known is None else known)
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
        stated=_joined((np.full(each.size, each.stated) for each in sets.values()), bool),
        poi=start[spec.poi],
        channels=spec.channels,
        edges=spec.edges,
        samples=spec.samples,
        data=np.concatenate([spec.observed, _joined(each.auxdata for _, each in constrained)]),
        nominal=_nominal(spec),
        constraints=_constraints(constrained),
        **_modifiers(spec, start),
        dropped=_dropped(spec, start),
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
        nominal, variance = _carried(spec, carriers), np.zeros(spec.edges[-1])
        by_sample: dict[int, list[Template]] = {}
        for template in carriers:
            by_sample.setdefault(template.sample, []).append(template)
        masks = {sample: {template.channel for template in each} for sample, each in by_sample.items()}
        first = next(iter(masks.values()))
        if any(mask != first for mask in masks.values()):
            raise InputError(f"staterror {name!r} stands on samples in different channels")
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


def _carried(spec: Spec, carriers: list[Template]) -> np.ndarray:
    """Events of all samples that carry a staterror, in all channels, as pyhf sums them; shape (nmain,)."""
    samples = {template.sample for template in carriers}
    events = np.zeros(spec.edges[-1])
    for template in spec.templates:
        if template.sample in samples:
            events[spec.edges[template.channel] : spec.edges[template.channel + 1]] += template.nominal
    return events


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


def _dropped(spec: Spec, start: dict[str, int]) -> Dropped:
    """Uncertainties of yields that are not positive, and negative ones, with their sign, of others."""
    offsets, rows = _staterror_offsets(spec), []
    carried = {name: _carried(spec, carriers) for name, carriers in _carriers(spec).items()}
    for template in spec.templates:
        first, bins = int(spec.edges[template.channel]), len(template.nominal)
        for (name, kind), data in template.modifiers.items():
            if kind not in ("shapesys", "staterror"):
                continue
            shared = kind == "staterror"
            events = carried[name][first : first + bins] if shared else template.nominal
            gamma = start[name] + (offsets[name][template.channel] if shared else 0)
            empty, size = np.asarray(events) <= 0, np.asarray(data)
            lost = np.where(empty, size != 0, (size < 0) & (not shared))
            size = np.where(empty, np.abs(size), size)
            rows += [(template.sample, first + i, gamma + i, size[i]) for i in np.flatnonzero(lost).tolist()]
    return Dropped(*_columns(rows, 3), np.array([row[3] for row in rows], dtype=float))


def _staterror_offsets(spec: Spec) -> dict[str, dict[int, int]]:
    """Where the bins of each channel begin among the gammas of a name."""
    offsets: dict[str, dict[int, int]] = {}
    for name, carriers in _carriers(spec).items():
        channels = sorted({template.channel for template in carriers})
        sizes = [int(spec.edges[channel + 1] - spec.edges[channel]) for channel in channels]
        offsets[name] = dict(zip(channels, np.cumsum([0, *sizes]).tolist(), strict=False))
    return offsets
