"""What a configuration says, in full: the settings of each scan, its grid and jobs, the signals of a workspace, files.

The rules call this module; it knows nothing of Snakemake. config_check.py has seen the configuration before."""

SCAN_DEFAULTS = {
    "mu": {"start": 0, "stop": 10, "number": 41},
    "mu_per_job": 1,
    "signals_per_job": 1,
    "confidence_level": 0.95,
    "test_statistic": "qtilde",
    "calculators": ["asymptotics"],
    "check_asymptotics": "auto",
    "toys": {},
    "engine": "newton",
    "interpolation": {},
    "blind": False,
    "plots": ["brazil", "yields", "pulls", "distributions", "toys"],
}


AUTO = "auto"  # instead of values of mu: they follow from the limits


TOYBASED = "toybased"  # the calculator whose limits come from toys


TOY_DEFAULTS = {"block": 1000, "seed": 0, "jobs": 8, "max_failed_fraction": 0.01, "show": []}


TOYS_PER_HYPOTHESIS, MOST_TOYS = 5000, 1_000_000  # unless the configuration says otherwise


TOY_ROUNDS = 4  # in which toys are added if their number is not fixed


INTERPOLATION_DEFAULTS = {"normsys": "code4", "histosys": "code4p"}


FOLDER_PLOTS = ["yields", "distributions"]  # several pictures in a folder: of each channel, of some values of mu


FIT_PLOTS = ["yields", "pulls"]  # they do not depend on the calculator, and are drawn for the first one


TOY_PLOTS = ["distributions", "toys"]


def scan_settings(config: dict, analysis: str) -> dict:
    """Settings of the scan of an analysis: its own, those under `scan`, the defaults, in this order."""
    settings = SCAN_DEFAULTS | config.get("scan", {}) | config["analyses"][analysis]
    parts = {"interpolation": INTERPOLATION_DEFAULTS | settings["interpolation"], "toys": _toys(settings["toys"])}
    return settings | parts


def _toys(toys: dict) -> dict:
    number = {"max": MOST_TOYS} if "target" in toys else {"per_hypothesis": TOYS_PER_HYPOTHESIS}
    return TOY_DEFAULTS | number | toys


def check_options(settings: dict) -> dict:
    """Options of invert.py that say how asymptotic limits are checked."""
    wanted = str(settings["check_asymptotics"]).lower()
    return {"check_asymptotics": wanted, "seed": settings["toys"]["seed"]}


def toy_rounds(toys: dict) -> int:
    """In how many rounds toys are thrown."""
    return TOY_ROUNDS if "target" in toys else 1


def scan_plots(settings: dict, calculator: str) -> list[str]:
    """The pictures of a scan."""
    without = [] if calculator == settings["calculators"][0] else FIT_PLOTS
    without = without if calculator == TOYBASED else [*without, *TOY_PLOTS]
    return [plot for plot in settings["plots"] if plot not in without]


def mu_grid(mu: list | dict | str) -> list[str]:
    """Tested values of mu as text, ascending; they stay text until a script parses them.

    Args:
        mu: a list of values, or `start`, `stop` (included) and `number`, or "auto", which has no values yet.
    """
    if mu == AUTO:
        return []
    if isinstance(mu, dict):
        steps = max(mu["number"] - 1, 1)
        values = [mu["start"] + (mu["stop"] - mu["start"]) * i / steps for i in range(mu["number"])]
    else:
        values = mu
    return list(dict.fromkeys(f"{value + 0.0:.10g}" for value in sorted(values)))  # + 0.0: no minus before a zero


def mu_jobs(mu: list[str], mu_per_job: int) -> dict[str, list[str]]:
    """Consecutive values that one job tests, by the label that stands in its file name; "auto" without values."""
    if not mu:
        return {AUTO: []}
    chunks = [mu[i : i + mu_per_job] for i in range(0, len(mu), mu_per_job)]
    return {chunk[0] if len(chunk) == 1 else f"{chunk[0]}_to_{chunk[-1]}": chunk for chunk in chunks}


def poi_bound(largest: float) -> int:
    """The mu that fits must be able to reach: 10, 20, 40, ..., so that it seldom changes when a scan grows."""
    bound = 10
    while bound < largest:
        bound *= 2
    return bound


def source_of(config: dict, analysis: str) -> tuple[str, dict]:
    """The kind of an analysis' data set and what the configuration says of it."""
    return next(iter(config["datasets"][config["analyses"][analysis]["dataset"]].items()))
