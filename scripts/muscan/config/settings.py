"""The settings of each scan, from a complete configuration (see `schema.complete`)."""

from dataclasses import dataclass, fields

from muscan.config.measurements import FELDMAN_COUSINS_TOYS, TOYBASED, Measurements, measurements
from muscan.config.mu_values import mu_grid

TOY_ROUNDS = 4  # largest number of rounds if toys are added until a target is reached
# Folders with several plots: one per channel, per value of mu, or per scan of the likelihood.
FOLDER_PLOTS = ["yields", "distributions", "likelihood_scans"]
# These do not depend on the calculator, and are drawn for the first one only.
FIT_PLOTS = ["yields", "pulls", "ranking", "likelihood_scans", "feldman_cousins"]
TOY_PLOTS = ["distributions", "toys"]  # need toys
MEASUREMENT_PLOTS = ["ranking", "likelihood_scans", "feldman_cousins"]  # need a measurement


@dataclass(frozen=True)
class ToySettings:
    """The number of toys of a signal and how they are thrown; the schema explains each setting."""

    block: int
    seed: int
    jobs: int
    max_failed_fraction: float
    show: list[float]
    per_hypothesis: int | None = None  # None: toys are added until the target is reached
    target: float | None = None  # None: the number is fixed
    max: int | None = None  # with a target only


@dataclass(frozen=True)
class Interpolation:
    """The interpolation codes of pyhf for normsys and histosys modifiers."""

    normsys: str
    histosys: str


@dataclass(frozen=True)
class ScanSettings:
    """The settings of the scan of an analysis; the schema explains each."""

    mu: list[str]  # tested values, as text, in ascending order; empty if they are chosen from the limits
    mu_per_job: int
    signals_per_job: int
    confidence_level: float
    test_statistic: str
    calculators: list[str]
    check_asymptotics: str  # "auto", "true" or "false"
    toys: ToySettings
    engine: str
    interpolation: Interpolation
    blind: bool
    plots: list[str]
    measurements: Measurements


def scan_settings(config: dict, analysis: str) -> ScanSettings:
    """Return the settings of the scan of an analysis: those of `scan`, overridden by those of the analysis.

    Args:
        config: a complete configuration.
        analysis: its name.
    """
    settings = config["scan"] | config["analyses"][analysis]
    values = {field.name: settings[field.name] for field in fields(ScanSettings) if field.name in settings}
    return ScanSettings(
        **values
        | {
            "measurements": measurements(settings),
            "mu": mu_grid(settings["mu"]),
            "check_asymptotics": str(settings["check_asymptotics"]).lower(),
            "toys": ToySettings(**settings["toys"]),
            "interpolation": Interpolation(**settings["interpolation"]),
        }
    )


def check_options(settings: ScanSettings) -> dict:
    """Return the options of the step `invert` for the check of asymptotic limits by toys."""
    return {"check_asymptotics": settings.check_asymptotics, "seed": settings.toys.seed}


def toy_rounds(toys: ToySettings, folder: str = TOYBASED) -> int:
    """Return the number of rounds of toys: one, or `TOY_ROUNDS` if there is a target or if rounds add values of mu.

    Args:
        toys: the settings.
        folder: of the toys: that of the limits, or one of TOY_MEASUREMENTS.
    """
    return 1 if toys.target is None and folder != FELDMAN_COUSINS_TOYS else TOY_ROUNDS


def scan_plots(settings: ScanSettings, calculator: str) -> list[str]:
    """Return the names of the plots of a scan with a calculator."""
    without = [] if calculator == settings.calculators[0] else FIT_PLOTS
    without = without if calculator == TOYBASED else [*without, *TOY_PLOTS]
    without = [*without, *(plot for plot in MEASUREMENT_PLOTS if plot not in settings.measurements.plots())]
    return [plot for plot in settings.plots if plot not in without]


def source_of(config: dict, analysis: str) -> tuple[str, dict]:
    """Return the kind of the data source of an analysis, such as "workspace", and its block in the configuration."""
    return next(iter(config["datasets"][config["analyses"][analysis]["dataset"]].items()))
