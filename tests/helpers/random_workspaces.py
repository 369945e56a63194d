"""Strategies of hypothesis: valid workspaces, and workspaces in which something was changed."""

import copy

from hypothesis import strategies as st

from helpers.workspaces import LUMI, MU, workspace

# Events of a bin: what is sensible most of the time, then what is not.
SENSIBLE = st.floats(0.5, 200).map(lambda value: float(f"{value:.3g}"))
EXTREME = st.sampled_from([0.0, 1e-9, 1e-6, 1e-3, 0.1, 1e3, 1e5])
RELATIVE = st.sampled_from([0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.9, 2.0])
SHIFT = st.sampled_from([-1.0, -0.5, -0.1, -0.01, 0.0, 0.01, 0.05, 0.1, 0.3, 1.0])


@st.composite
def modifier(draw, kind: str, channel: str, sample: str, template: list[float]) -> tuple:
    """(name, type, data); names are shared by the types that may share them."""
    bins = len(template)
    if kind == "normsys":
        data = {
            "hi": draw(st.sampled_from([1.0, 1.01, 1.1, 1.3, 2.0, 0.8])),
            "lo": draw(st.sampled_from([1.0, 0.95, 0.9, 0.7, 0.4, 1.1])),
        }
        return draw(st.sampled_from(["scale", "common"])), kind, data
    if kind == "histosys":
        shifts = [draw(st.lists(SHIFT, min_size=bins, max_size=bins)) for _ in range(2)]
        up, down = ([n * (1 + each) for n, each in zip(template, shift, strict=True)] for shift in shifts)
        return draw(st.sampled_from(["shape", "common"])), kind, {"hi_data": up, "lo_data": down}
    if kind in ("shapesys", "staterror"):
        data = [n * draw(RELATIVE) for n in template]
        return f"{channel}_{sample}" if kind == "shapesys" else f"mc_{channel}", kind, data
    if kind == "shapefactor":
        return f"free_{channel}", kind, None
    return ("lumi" if kind == "lumi" else draw(st.sampled_from(["norm", "norm", "mu"]))), kind, None


@st.composite
def any_workspace(draw, numbers=SENSIBLE) -> dict:
    """Up to three channels of up to three bins, all types of modifiers."""
    channels = {}
    for channel in ["A", "B", "C"][: draw(st.integers(1, 3))]:
        bins = draw(st.integers(1, 3))
        samples = {}
        names = draw(st.sampled_from([["signal", "background"], ["signal", "background", "other"], ["background"]]))
        if channel == "A" and "signal" not in names:
            names = ["signal", *names]
        for sample in names:
            template = draw(st.lists(numbers, min_size=bins, max_size=bins))
            kinds = draw(st.lists(st.sampled_from(KINDS), max_size=3, unique=True))
            found = [draw(modifier(kind, channel, sample, template)) for kind in kinds]
            samples[sample] = (
                template,
                ([MU] if sample == "signal" else [])
                + [each for each in found if sample != "signal" or each[0] != "mu"],
            )
        total = [sum(each) for each in zip(*(template for template, _ in samples.values()), strict=True)]
        kind = draw(st.sampled_from(["asimov", "near", "any"]))
        if kind == "any":
            observed = draw(st.lists(numbers, min_size=bins, max_size=bins))
        else:
            observed = [float(round(n * (draw(st.floats(0.7, 1.3)) if kind == "near" else 1.0))) for n in total]
        channels[channel] = (observed, samples)
    return workspace(channels, parameters=(LUMI,))


KINDS = ("normsys", "histosys", "shapesys", "staterror", "shapefactor", "lumi", "normfactor")

# Any JSON, and what Python's writes beside it.
NUMBERS = st.sampled_from(
    [0, -0.0, -1, 1, 2.5, -1e-9, 1e-300, 1e300, 1e308, -1e300, 10**400, float("nan"), float("inf")]
)
TEXTS = st.sampled_from(
    ["", "mu", "lumi", "signal", "normsys", "shapesys", "name", "é\u2028\u0000", "a/b[0]", "$(x)`'\"", "1.0.0"]
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
DEEP = st.integers(1, 60).map(lambda depth: [] if depth == 1 else nested(depth))
ANYTHING = st.one_of(
    LEAVES,
    DEEP,
    st.recursive(
        LEAVES,
        lambda each: st.one_of(st.lists(each, max_size=3), st.dictionaries(TEXTS, each, max_size=3)),
        max_leaves=6,
    ),
)


def nested(depth: int) -> list:
    """A list in a list in a list ..."""
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def places(value, path=()) -> list[tuple]:
    """All places inside a JSON value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(path, key) for key in dict(entries)]
    return found + [place for _, key in found for place in places(value[key], (*path, key))]


@st.composite
def changed_workspace(draw, originals: list[dict], most: int = 2) -> dict:
    """One of these workspaces with up to `most` changes, anywhere."""
    spec = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, most))):
        everywhere = places(spec)
        if not everywhere:
            break
        path, key = draw(st.sampled_from(everywhere))
        owner = spec
        for part in path:
            owner = owner[part]
        action = draw(st.sampled_from(["replace", "number", "delete", "double", "rename", "elsewhere"]))
        if action == "replace":
            owner[key] = draw(ANYTHING)
        elif action == "number":  # a small change of a number keeps the workspace valid
            factor = draw(st.sampled_from([-1, 0, 1e-3, 0.5, 2, 30, 1e6]))
            owner[key] = owner[key] * factor if isinstance(owner[key], float) else draw(NUMBERS)
        elif action == "delete":
            del owner[key]
        elif action == "elsewhere":  # a part of the same workspace
            other_path, other = draw(st.sampled_from(everywhere))
            source = spec
            for part in other_path:
                source = source[part]
            owner[key] = copy.deepcopy(source[other])
        elif isinstance(owner, list):
            owner.insert(key, copy.deepcopy(owner[key]))
        else:
            value = owner[key] if action == "double" else owner.pop(key)
            owner[draw(st.one_of(TEXTS, st.just(f"{key}s")))] = copy.deepcopy(value)
    return spec
