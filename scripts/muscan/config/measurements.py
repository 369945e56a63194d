"""Measurements: what is calculated of a signal beside its limits, and the files that hold the results."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

POI = "mu"  # stands for the parameter of interest, whatever its name
TOYBASED = "toybased"  # the calculator whose limits come from toys
# Measurements from toys, as folders of their toys in the folder of the signal; with `.json`, their results.
TOY_MEASUREMENTS = DISCOVERY_TOYS, FELDMAN_COUSINS_TOYS = f"{TOYBASED}/discovery", "feldman_cousins"
FELDMAN_COUSINS = f"{FELDMAN_COUSINS_TOYS}.json"


@dataclass(frozen=True)
class IntervalSettings:
    """Two-sided intervals; the schema explains each setting."""

    levels: list[float]
    parameters: list[str]  # patterns; ["*"] for all parameters
    feldman_cousins: bool


@dataclass(frozen=True)
class RankingSettings:
    """Impacts of nuisance parameters; the schema explains each setting."""

    show: int | None  # number of parameters in the picture; None: as many as it draws by default
    group_limits: bool
    groups: dict[str, list[str]]


@dataclass(frozen=True)
class Measurements:
    """What is calculated of a signal beside its limits."""

    discovery: bool
    intervals: IntervalSettings | None
    likelihood_scans: dict[str, list[str]]  # {name of the scan: one or two parameters}
    ranking: RankingSettings | None

    def options(self) -> dict[str, dict[str, Any]]:
        """Return the options of each step that an analysis asks for: {measurement: options}."""
        found: dict[str, dict[str, Any]] = {}
        if self.discovery:
            found["discovery"] = {}
        if self.intervals:
            found["intervals"] = {"levels": self.intervals.levels, "parameters": self.intervals.parameters}
        if self.likelihood_scans:
            found["likelihood_scans"] = {"scans": self.likelihood_scans}
        if self.ranking:
            ranking = self.ranking
            found["ranking"] = {"show": ranking.show, "group_limits": ranking.group_limits, "groups": ranking.groups}
        return found

    def files(self, calculators: list[str]) -> Iterator[str]:
        """Yield the files of all measurements, as paths in the folder of the signal.

        Args:
            calculators: of the analysis.
        """
        yield from (f"{calculator}/discovery.json" for calculator in calculators if self.discovery)
        if self.intervals:
            yield "intervals.json"
            yield from [FELDMAN_COUSINS] * self.intervals.feldman_cousins
        if self.likelihood_scans:
            yield from ("likelihood_scans.json", "likelihood_scans.csv")
        if self.ranking:
            yield from ("ranking.json", "ranking.csv")

    def with_toys(self, calculators: list[str]) -> list[str]:
        """Return those of TOY_MEASUREMENTS that an analysis asks for.

        Args:
            calculators: of the analysis.
        """
        files = list(self.files(calculators))
        return [name for name in TOY_MEASUREMENTS if f"{name}.json" in files]

    def plots(self) -> list[str]:
        """Return the names of the plots that can be drawn."""
        drawn = {
            "ranking": self.ranking,
            "likelihood_scans": self.likelihood_scans,
            "feldman_cousins": self.intervals and self.intervals.feldman_cousins,
        }
        return [plot for plot, wanted in drawn.items() if wanted]


def measurements(settings: dict[str, Any]) -> Measurements:
    """Return the measurements of an analysis from the settings of its scan in a complete configuration."""
    intervals, ranking, groups = settings["intervals"], settings["ranking"], settings["groups"]
    if isinstance(intervals, list):
        intervals = {"levels": intervals, "parameters": [], "feldman_cousins": False} if intervals else None
    elif intervals["parameters"] == "all":
        intervals = intervals | {"parameters": ["*"]}
    scans = [[each] if isinstance(each, str) else each for each in settings["likelihood_scans"]]
    ranked = ranking is not False or bool(groups)
    show = None if isinstance(ranking, bool) else ranking
    return Measurements(
        discovery=settings["discovery"],
        intervals=intervals and IntervalSettings(**intervals),
        likelihood_scans={", ".join(scan): scan for scan in scans},
        ranking=RankingSettings(show, settings["group_limits"], groups) if ranked else None,
    )
