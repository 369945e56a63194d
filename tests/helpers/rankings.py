"""Rankings to be drawn and described."""

from muscan.records.ranking import Impact, Ranking, Share

OK = {"status": "ok", "reason": None}


def impact(name: str, size: float = 0.2, **changes) -> dict:
    """The impact of a constrained parameter; `size` by a post-fit shift up."""
    numbers = {
        **{"value": 0.5, "pull": 0.5, "constraint": 0.8, "prefit_uncertainty": 1.0, "postfit_uncertainty": 0.8},
        **{"impact_prefit_down": -1.25 * size, "impact_prefit_up": 1.25 * size},
        **{"impact_postfit_down": -size, "impact_postfit_up": size, "impact_covariance": size},
        **{"impact_observable_down": -0.8 * size, "impact_observable_up": 0.8 * size},
    }
    more = {"groups": [], "stopped": [], "methods_agree": True} | OK
    return Impact(name, **(more | numbers | changes)).to_json()


def free(name: str, size: float = 0.3, **changes) -> dict:
    """The impact of a parameter without constraint."""
    missing = ("pull", "constraint", "prefit_uncertainty", "impact_prefit_down", "impact_prefit_up")
    missing += ("impact_observable_down", "impact_observable_up")
    return impact(name, size, **({"value": 1.03, "postfit_uncertainty": 0.05} | dict.fromkeys(missing) | changes))


def share(name: str, kind: str, size: float, **changes) -> dict:
    return Share(name, kind, **({"parameters": ["a"]} | OK | dict.fromkeys(SIZES, size) | changes)).to_json()


SIZES = ("below", "above", "covariance", "observables")
SHARES = [
    share("statistical", "statistical", 0.3, limit=1.2, limit_ratio=0.75),
    share("jets", "group", 0.4, limit=0.8, limit_ratio=0.5),
    share("sum in quadrature", "sum", 0.5),
    share("total", "total", 0.45, observables=None, limit=1.6, limit_ratio=1.0),
]


def ranking(parameters: list[dict], **changes) -> Ranking:
    more = {"poi": "mu", "blinded": False, "mu_hat": 1.5, "mu_hat_error": 0.45, "mu_hat_minos": [-0.4, 0.5]}
    more |= {"poi_bounds": [-10, 10], "shares": SHARES, "show": None, "confidence_level": 0.95} | OK
    return Ranking(parameters=parameters, **(more | changes))
