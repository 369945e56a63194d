"""The workspace of the default question with a floating background, from its histograms."""

import csv
from pathlib import Path

import numpy as np

from helpers.workspaces import counting

HISTOGRAMS = Path(__file__).parents[1] / "data" / "seed-question" / "original.csv"


def default_question() -> dict:
    """22 parameters: mu, bkgnorm, and the uncertainties of 20 bins."""
    with HISTOGRAMS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: [float(row[name]) for row in rows] for name in ("observed", "signal", "background")}
    uncertainty = ("background_stat", "shapesys", np.sqrt(columns["background"]).tolist())
    return counting(*columns.values(), uncertainty, ("bkgnorm", "normfactor", None))
