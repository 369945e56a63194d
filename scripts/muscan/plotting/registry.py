"""The pictures of a scan: their names, and the results that they are drawn from.

A picture is drawn by the module of this package with the same name. The module has one of two functions that take
`ScanFiles`: `picture` returns a figure; `pictures` yields pairs of a name and a figure, which become files in a folder.
"""

from dataclasses import dataclass

from muscan.base.options import option

# {picture: the fields of `ScanFiles` that it reads}
READS = {
    "brazil": ("limits",),
    "distributions": ("limits", "plan", "model", "workspace", "fit"),
    "feldman_cousins": ("measurement",),
    "likelihood_scans": ("measurement",),
    "pulls": ("fit",),
    "ranking": ("measurement",),
    "toys": ("limits",),
    "yields": ("fit", "histograms", "workspace"),
}
# Results that a picture can be drawn without.
OPTIONAL = ("histograms", "workspace")


@dataclass(frozen=True)
class ScanFiles:
    """Results of a scan, of which a picture reads some."""

    title: str = option("title: analysis / signal")
    fit: str | None = option("fit.json", default=None)
    limits: str | None = option("limits.json", default=None)
    model: str | None = option("compiled model", default=None)
    workspace: str | None = option("workspace.json, for the names of signal samples and the fits of pyhf", default=None)
    histograms: str | None = option("histograms.csv, for the bin edges; default: bins are numbered", default=None)
    plan: str | None = option("plan of the last round of toys", default=None)
    measurement: str | None = option("result of the measurement with the name of the picture", default=None)
    toys: str | None = option("folder of the toys", default=None)
    show: list[float] = option(
        "values of mu whose toys are shown; default: those nearest to the limits", default_factory=list
    )
