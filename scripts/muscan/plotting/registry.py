"""The pictures of a scan: their names, and the results that they are drawn from.

The module of this package that has the name of a picture draws it, with one of these functions of `ScanFiles`:
`picture` returns a figure; `pictures` yields pairs of a name and a figure, which become files in a folder.
"""

from dataclasses import dataclass

from muscan.base.options import option

# {picture: the fields of `ScanFiles` that it reads}
READS = {
    "brazil": ("limits",),
    "distributions": ("limits", "plan", "model", "workspace", "fit"),
    "pulls": ("fit",),
    "toys": ("limits",),
    "yields": ("fit", "histograms", "workspace"),
}


@dataclass(frozen=True)
class ScanFiles:
    """Results of a scan; a picture reads some of them."""

    title: str = option("of the scan: analysis / signal")
    fit: str | None = option("fit.json", default=None)
    limits: str | None = option("limits.json", default=None)
    model: str | None = option("compiled model", default=None)
    workspace: str | None = option("workspace.json: which samples are signal, and what pyhf's fits need", default=None)
    histograms: str | None = option("histograms.csv: the bin edges; otherwise bins are numbered", default=None)
    plan: str | None = option("plan of the last round of toys", default=None)
    toys: str | None = option("folder of the toys", default=None)
    show: list[float] = option("values of mu whose toys are shown; default: near the limits", default_factory=list)
