"""Small workspaces for the tests, and pyhf as their referee."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyhf

from muscan.histfactory.compile import compile_workspace
from muscan.inference.fits import Fit
from muscan.inference.newton import Newton
from muscan.inference.signal_point import bounded

MU = ("mu", "normfactor", None)

# pyhf 0.7.6 checks workspaces with a class that new versions of jsonschema call deprecated.


def workspace(channels: dict, poi: str = "mu", parameters: tuple = ()) -> dict:
    """A workspace of `{channel: (observed, {sample: (template, [(name, type, data), ...])})}`."""
    return {
        "version": "1.0.0",
        "channels": [
            {
                "name": channel,
                "samples": [
                    {
                        "name": sample,
                        "data": template,
                        "modifiers": [{"name": name, "type": kind, "data": each} for name, kind, each in modifiers],
                    }
                    for sample, (template, modifiers) in samples.items()
                ],
            }
            for channel, (_, samples) in channels.items()
        ],
        "observations": [{"name": channel, "data": observed} for channel, (observed, _) in channels.items()],
        "measurements": [{"name": "measurement", "config": {"poi": poi, "parameters": list(parameters)}}],
    }


def counting(observed: list, signal: list, background: list, *modifiers: tuple, **options) -> dict:
    """One channel with a signal that mu scales, and a background with the given modifiers."""
    return workspace(
        {"channel": (observed, {"signal": (signal, [MU]), "background": (background, modifiers)})}, **options
    )


def normsys(size: float, name: str = "scale") -> tuple:
    return (name, "normsys", {"hi": 1 + size, "lo": 1 - size})


LUMI = {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "bounds": [[0.5, 1.5]], "inits": [1.0]}

EVERY_MODIFIER = workspace(
    {
        "region": (
            [55.0, 61.0, 40.0],
            {
                "signal": ([5.0, 9.0, 3.0], [MU, ("lumi", "lumi", None), ("mc", "staterror", [0.5, 0.7, 0.4])]),
                "top": (
                    [20.0, 25.0, 11.0],
                    [
                        ("lumi", "lumi", None),
                        ("top_scale", "normsys", {"hi": 1.12, "lo": 0.91}),
                        ("jets", "histosys", {"hi_data": [22.0, 26.0, 13.5], "lo_data": [17.0, 24.5, 10.0]}),
                        ("top_norm", "normfactor", None),
                        ("mc", "staterror", [1.1, 1.3, 0.8]),
                    ],
                ),
                "fakes": ([30.0, 22.0, 27.0], [("fakes_stat", "shapesys", [4.0, 3.0, 5.0])]),
            },
        ),
        "control": (
            [101.0, 93.0],
            {
                "top": (
                    [80.0, 70.0],
                    [
                        ("top_scale", "normsys", {"hi": 1.05, "lo": 0.97}),
                        ("jets", "histosys", {"hi_data": [83.0, 71.0], "lo_data": [78.0, 68.0]}),
                        ("top_norm", "normfactor", None),
                    ],
                ),
                "other": ([20.0, 22.0], [("other_shape", "shapefactor", None)]),
            },
        ),
    },
    parameters=(LUMI,),
)

SMALL = {
    "shapesys": counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], ("stat", "shapesys", [7.0, 5.0])),
    "staterror": counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], ("stat", "staterror", [7.0, 5.0])),
    "normsys": counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1)),
    "histosys": counting(
        [55.0, 62.0],
        [10.0, 6.0],
        [50.0, 52.0],
        ("shape", "histosys", {"hi_data": [58.0, 49.0], "lo_data": [43.0, 54.0]}),
    ),
    "deficit": counting([38.0, 41.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1)),
    "every modifier": EVERY_MODIFIER,
}


def referee(spec: dict, codes: dict | None = None) -> tuple[pyhf.pdf.Model, np.ndarray]:
    """pyhf's own model of a workspace, and its data."""
    settings = {kind: {"interpcode": code} for kind, code in (codes or {}).items()}
    parsed = pyhf.Workspace(spec)
    model = parsed.model(
        modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}} | settings
    )
    return model, np.asarray(parsed.data(model))


@contextmanager
def tight_minuit(**options) -> Iterator[None]:
    """Let pyhf fit with a tolerance far below what its defaults leave."""
    tensorlib, optimizer = pyhf.get_backend()
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-6, strategy=2, **options))
    try:
        yield
    finally:
        pyhf.set_backend(tensorlib, optimizer)


def engine_of(spec: dict, codes: dict | None = None, test_statistic: str = "qtilde", poi_bound: float = 10.0) -> Newton:
    """What fits a workspace, with the bounds of the POI that a scan up to `poi_bound` has."""
    return Newton(bounded(compile_workspace(spec, codes), test_statistic, poi_bound))


def fit(engine, data: np.ndarray, starts: list[np.ndarray], mu: float | None = None) -> Fit:
    """One fit."""
    return engine.fit(data[:, None], starts, None if mu is None else np.array([mu])).one(0)


def random_points(model, number: int = 20) -> np.ndarray:
    """Points spread over a few standard deviations, inside the bounds."""
    rng = np.random.default_rng(1)
    widths = np.where(np.isnan(model.constrained_widths()), 0.4, model.constrained_widths())
    low, high = model.bounds.T
    points = np.clip(model.initial + 1.5 * widths * rng.normal(size=(number, len(model.names))), low, high)
    return np.where(model.fixed, model.initial, points)
