"""Results to be drawn, and what figures show: words, labels, arrows."""

import dataclasses

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from scipy.stats import norm

from muscan.base.versions import ROOT
from muscan.plotting.limits import EXPECTED, OBSERVED
from muscan.records.fit import ChannelYields, FitResult
from muscan.records.limits import Limits

SCRIPTS = ROOT / "scripts"
MU = np.linspace(0, 5, 11)
OK = {"observed_limit": "ok", "expected_limit": ["ok"] * 5}
NOTHING = {"observed_limit": None, "expected_limit": [None] * 5}
ODD_NAMES = ("a_$b$", "x^2", r"\alpha_{1} $\frac{1}{", "100 %")


def cls(mu: float, sigma: float) -> float:
    """CLs of a Gaussian measurement of mu with unit resolution that fluctuates up by sigma."""
    return float(norm.sf(mu - sigma) / norm.sf(-sigma))


def point(mu: float, refinement: bool = False) -> dict:
    return {"mu": mu, "CLs_obs": cls(mu, 0.5), "CLs_exp": [cls(mu, n) for n in range(-2, 3)], "refinement": refinement}


LIMITS = Limits(
    calculator="asymptotics",
    test_statistic="qtilde",
    confidence_level=0.95,
    observed_limit=2.3456,
    expected_limit=[0.96, 1.37, 1.96, 2.76, 3.66],
    status=OK,
    reason=NOTHING,
    bound=NOTHING,
    points=[*map(point, MU[:5]), point(2.3456, refinement=True), *map(point, MU[5:])],
    failed_points=[],
)
ABOVE = {
    "observed_limit": None,
    "expected_limit": [0.96, 1.37, None, None, None],
    "status": {"observed_limit": "above_scan", "expected_limit": ["ok", "ok", *["above_scan"] * 3]},
    "bound": {"observed_limit": 1.5, "expected_limit": [None, None, 1.5, 1.5, 1.5]},
    "points": [point(mu) for mu in MU[:4]],
}


def sample(*events: float) -> dict:
    events = np.array(events, dtype=float)
    return {
        "prefit": [*events],
        "prefit_error": [*(0.1 * events)],
        "postfit": [*(0.9 * events)],
        "postfit_error": [0.5] * len(events),
    }


def channel(name: str, observed: list[float], **samples: dict) -> dict:
    total = {key: np.sum([each[key] for each in samples.values()], axis=0).tolist() for key in sample(0)}
    return ChannelYields(name, observed, samples, total).to_json()


def fit_result(**changes) -> FitResult:
    fit = FitResult(
        fitted_by={"engine": "newton", "free": "newton", "reference": "newton"},
        poi="mu",
        poi_bounds=[0, 10],
        mu_hat=0.427,
        mu_hat_error=0.191,
        mu_hat_minos=[-0.19, 0.19],
        deviance=35.4,
        parameters={
            "names": ["mu", "alpha_$x$", "gamma[0]", "lumi", "norm"],
            "values": [0.427, -0.5, 1.2, 1.0, 0.83],
            "errors": [0.191, 0.9, 0.08, 0.0, 0.03],
            "correlations": np.eye(5).tolist(),
            "initial": [1.0, 0.0, 1.0, 1.0, 1.0],
            "constraint_widths": [None, 1.0, 0.1, None, None],
            "fixed": [False, False, False, True, False],
            "at_bound": [False, False, False, False, False],
        },
        reference={},
        asimov=[],
        goodness_of_fit={"statistic": 35.4, "ndof": 19, "p_value": 0.0126},
        yields=[channel("SR", [12, 0, 3], small=sample(1, 1, 1), signal=sample(0, 2, 4), large=sample(9, 3, 2))],
        interpolation={},
        test_statistic="qtilde",
    )
    return dataclasses.replace(fit, **changes)


def limits_table(rows: list[dict]) -> pd.DataFrame:
    full = {"analysis": "a", "signal": "signal", "calculator": "asymptotics", "confidence_level": 0.95, "status": "ok"}
    full |= dict(zip([OBSERVED, *EXPECTED], [1.5, 0.5, 0.7, 1.0, 1.4, 1.9], strict=True))
    return pd.DataFrame([full | row for row in rows])


NO_LIMITS = dict.fromkeys([OBSERVED, *EXPECTED], np.nan)


def texts(figure: Figure) -> list[Text]:
    """All texts of a figure that are to be seen."""
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def words(figure: Figure) -> list[str]:
    """What these texts say."""
    figure.draw_without_rendering()
    return [text.get_text() for text in texts(figure)]


def labels(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def by_label(axes, label: str):
    return next(each for each in [*axes.lines, *axes.collections] if each.get_label() == label)


def arrows(axes) -> list[Annotation]:
    return [child for child in axes.get_children() if isinstance(child, Annotation)]


def assert_inside(figure: Figure) -> None:
    """Nothing is clipped at the border of the figure."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches
    assert min(box.x0, box.y0) > -0.01
    assert box.x1 < figure.get_figwidth() + 0.01
    assert box.y1 < figure.get_figheight() + 0.01
