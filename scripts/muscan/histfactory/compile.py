"""Compile a pyhf workspace into the arrays of a model; every convention is pyhf's.

The arrays are built from the JSON itself, without pyhf: a job then starts in a fraction of a second. pyhf's own model
of the same workspace is the reference in the tests.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from muscan.base.errors import InputError
from muscan.histfactory import parameters
from muscan.histfactory.model import (
    INTERPOLATIONS,
    BinFactors,
    Constraints,
    DroppedUncertainties,
    Factors,
    HistoSys,
    Model,
    NormSys,
)
from muscan.histfactory.parameters import TYPES, ParameterSet
from muscan.histfactory.staterror import carriers_by_name, carriers_events, staterror_offsets, staterror_sets
from muscan.histfactory.workspace import ParsedWorkspace, parse_workspace

BIN_TYPES = ("shapefactor", "shapesys", "staterror")  # modifiers with one parameter per bin
# Widths of constraints must lie between these, so that their inverse squares are numbers too.
NARROWEST, WIDEST = 1e-50, 1e50


def compile_workspace(workspace: dict, interpolation: dict | None = None, cache: dict | None = None) -> Model:
    """Compile the first measurement of a workspace.

    Args:
        workspace: pyhf JSON, with its patch applied.
        interpolation: codes by modifier type, such as `{"normsys": "code4", "histosys": "code4p"}`; the default of
            each is the first in INTERPOLATIONS.
        cache: keeps the checked content of samples between calls. The signals of a published workspace share the
            objects of its background samples, which are then read once.

    Raises:
        InputError: if the workspace cannot be a model; with the places of all problems that were found.
    """
    codes = {kind: known[0] for kind, known in INTERPOLATIONS.items()} | (interpolation or {})
    parsed = parse_workspace(workspace, {} if cache is None else cache)
    sets = _parameter_sets(parsed)
    first = dict(zip(sets, np.cumsum([0, *(each.size for each in sets.values())]).tolist(), strict=False))
    names = [name if each.scalar else f"{name}[{i}]" for name, each in sets.items() for i in range(each.size)]
    _require_poi(parsed.poi, sets)
    constrained = [(first[name], each) for name, each in sets.items() if each.constraint]
    model = Model(
        names=names,
        initial=_concatenated(each.inits for each in sets.values()),
        fixed=_concatenated((each.fixed for each in sets.values()), bool),
        bounds=_concatenated(each.bounds for each in sets.values()).reshape(-1, 2),
        stated=_concatenated((np.full(each.size, each.stated) for each in sets.values()), bool),
        poi=first[parsed.poi],
        channels=parsed.channels,
        edges=parsed.edges,
        samples=parsed.samples,
        data=np.concatenate([parsed.observed, _concatenated(each.auxdata for _, each in constrained)]),
        nominal=_nominal(parsed),
        constraints=_constraints(constrained),
        **_modifiers(parsed, first),
        dropped=_dropped_uncertainties(parsed, first),
        interpolation=codes,
    )
    if model.fixed[model.poi]:
        raise InputError(f"the parameter of interest, {model.poi_name}, is fixed by the workspace")
    return _fix_parameters_without_room(model)


def _require_poi(poi: str, sets: dict[str, ParameterSet]) -> None:
    """Refuse a POI that is not a single free factor."""
    if poi not in sets:
        raise InputError(
            f"the measurement's parameter of interest (POI), {poi!r}, is not in the model: "
            "a background-only workspace needs a patch that adds the signal"
        )
    if sets[poi].size > 1:
        raise InputError(f"the parameter of interest, {poi!r}, has {sets[poi].size} components")
    if sets[poi].constraint:
        raise InputError(f"the parameter of interest, {poi!r}, has a constraint: it must be a normfactor")


def _fix_parameters_without_room(model: Model) -> Model:
    """Fix parameters whose bounds are equal there. The POI is left out: its bounds follow the scan."""
    low, high = model.bounds.T
    held = ~model.fixed & (low == high)
    held[model.poi] = False
    return replace(model, initial=np.where(held, low, model.initial), fixed=model.fixed | held)


def _concatenated(parts: Iterable, dtype: type = float) -> np.ndarray:
    parts = [np.asarray(part, dtype=dtype) for part in parts]
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


# Parameters ----------------------------------------------------------------------------------------------------------


def _parameter_sets(parsed: ParsedWorkspace) -> dict[str, ParameterSet]:
    """Parameters by name in pyhf's order: by type, then as they come in channels, samples and modifiers."""
    required: dict[str, tuple[str, ParameterSet]] = {}
    for kind in TYPES:
        for name, default, where in _sets_of_type(parsed, kind):
            first_place, first_set = required.setdefault(name, (where, default))
            if first_set != default:
                raise InputError(f"the name {name!r} stands for parameters of two kinds: {first_place}; {where}")
    if not required:
        raise InputError("the workspace has no modifiers, and so no parameters")
    sets = {
        name: parameters.apply_settings(name, default, parsed.configs.get(name, {}))
        for name, (_, default) in required.items()
    }
    for name, each in sets.items():
        if each.constraint:
            _check_widths(required[name][0], name, each.width)
    return sets


def _check_widths(where: str, name: str, widths: np.ndarray) -> None:
    wrong = np.flatnonzero(~((widths > NARROWEST) & (widths < WIDEST)))
    if len(wrong):
        number = wrong[0]
        place = f", bin {number + 1}" if len(widths) > 1 else ""
        raise InputError(
            f"{where} {name!r}{place}: a relative uncertainty below {NARROWEST:g} or above {WIDEST:g} is beyond the "
            "range of the calculations: set it to zero, or remove the modifier"
        )


def _sets_of_type(parsed: ParsedWorkspace, kind: str) -> list[tuple[str, ParameterSet, str]]:
    """(name, parameters, place for messages) that modifiers of one type need.

    Where samples share a name, the first alone counts; shapefactors are all returned, as their sizes must agree.
    """
    makers = {
        "histosys": lambda template, data: parameters.alpha(),
        "normsys": lambda template, data: parameters.alpha(),
        "normfactor": lambda template, data: parameters.normfactor(),
        "lumi": lambda template, data: parameters.lumi(),
        "shapefactor": lambda template, data: parameters.shapefactor(len(template.nominal)),
        "shapesys": lambda template, data: parameters.shapesys(template.nominal, data),
    }
    if kind == "staterror":
        return staterror_sets(parsed)
    sets, places = [], {}
    for template in parsed.templates:
        for name, other_kind in template.modifiers:
            if other_kind != kind:
                continue
            where = f"{template.where}, {kind}"
            if kind == "shapesys" and name in places:
                raise InputError(f"{where} {name!r} is already used by {places[name]}: a shapesys cannot be shared")
            if kind not in ("shapesys", "shapefactor") and name in places:
                continue
            places[name] = template.where
            sets.append((name, makers[kind](template, template.modifiers[name, kind]), where))
    return sets


# Arrays --------------------------------------------------------------------------------------------------------------


def _nominal(parsed: ParsedWorkspace) -> np.ndarray:
    """Templates, shape (nsamples, nmain)."""
    nominal = np.zeros((len(parsed.samples), parsed.edges[-1]))
    for template in parsed.templates:
        bins = slice(parsed.edges[template.channel], parsed.edges[template.channel + 1])
        nominal[template.sample, bins] = template.nominal
    return nominal


def _constraints(constrained: list[tuple[int, ParameterSet]]) -> Constraints:
    """The constraint terms of parameters, each with the index of its first one."""
    return Constraints(
        _concatenated((np.arange(first, first + each.size) for first, each in constrained), int),
        _concatenated((np.full(each.size, each.constraint == "poisson") for _, each in constrained), bool),
        _concatenated(each.factors if each.constraint == "poisson" else np.ones(each.size) for _, each in constrained),
        _concatenated(each.width for _, each in constrained),
    )


def _modifiers(parsed: ParsedWorkspace, first: dict[str, int]) -> dict:
    """The arrays of all modifiers, by the names of their attributes in the model.

    Args:
        parsed: the workspace.
        first: index of the first parameter of each name.
    """
    norm, factors, shifts, gammas = [], [], [], []
    offsets = staterror_offsets(parsed)
    for template in parsed.templates:
        first_bin, size = int(parsed.edges[template.channel]), len(template.nominal)
        for (name, kind), data in template.modifiers.items():
            if kind == "normsys":
                norm.append((template.channel, template.sample, first[name], *data))
            elif kind == "histosys":
                shifts.append((template.sample, first[name], first_bin, template.nominal, *data))
            elif kind in BIN_TYPES:
                offset = offsets[name][template.channel] if kind == "staterror" else 0
                gammas.append((template.sample, first_bin, first[name] + offset, size))
            else:
                factors.append((template.channel, template.sample, first[name]))
    return {
        "normsys": NormSys(*_columns(norm, 3), *(np.array([row[i] for row in norm], float) for i in (3, 4))),
        "factors": Factors(*_columns(factors, 3)),
        "histosys": _histosys(shifts),
        "bin_factors": BinFactors(
            _concatenated((np.full(size, sample) for sample, _, _, size in gammas), int),
            _concatenated((np.arange(first_bin, first_bin + size) for _, first_bin, _, size in gammas), int),
            _concatenated((np.arange(parameter, parameter + size) for _, _, parameter, size in gammas), int),
        ),
    }


def _columns(rows: list[tuple], number: int) -> list[np.ndarray]:
    """The first columns of a table, as integers."""
    return [np.array([row[i] for row in rows], dtype=int) for i in range(number)]


def _histosys(rows: list[tuple]) -> HistoSys:
    """From rows of (sample, parameter, first bin, nominal, low, high), the last three per bin."""
    sizes = np.array([len(row[3]) for row in rows], dtype=int)
    sample, parameter, first_bin = (np.repeat(column, sizes) for column in _columns(rows, 3))
    nominal, low, high = (np.array([value for row in rows for value in row[i]], dtype=float) for i in (3, 4, 5))
    bins = first_bin + np.arange(len(first_bin)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return HistoSys(sample, bins, parameter, low - nominal, high - nominal)


def _dropped_uncertainties(parsed: ParsedWorkspace, first: dict[str, int]) -> DroppedUncertainties:
    """Uncertainties of yields that are not positive; of other yields those of a shapesys that are negative."""
    offsets, rows = staterror_offsets(parsed), []
    events_of_staterror = {name: carriers_events(parsed, each) for name, each in carriers_by_name(parsed).items()}
    for template in parsed.templates:
        first_bin, bins = int(parsed.edges[template.channel]), len(template.nominal)
        for (name, kind), data in template.modifiers.items():
            if kind not in ("shapesys", "staterror"):
                continue
            shared = kind == "staterror"
            events = events_of_staterror[name][first_bin : first_bin + bins] if shared else template.nominal
            gamma = first[name] + (offsets[name][template.channel] if shared else 0)
            empty, size = np.asarray(events) <= 0, np.asarray(data)
            dropped = np.where(empty, size != 0, (size < 0) & (not shared))
            size = np.where(empty, np.abs(size), size)
            rows += [(template.sample, first_bin + i, gamma + i, size[i]) for i in np.flatnonzero(dropped).tolist()]
    return DroppedUncertainties(*_columns(rows, 3), np.array([row[3] for row in rows], dtype=float))
