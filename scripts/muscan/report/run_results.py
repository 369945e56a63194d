"""The results of a run as the report reads them: tables, fits, limits and pictures."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from muscan.base.errors import StepError
from muscan.config.scans import all_scans
from muscan.config.settings import TOYBASED
from muscan.config.signals import path_name
from muscan.records.limits import Limits
from muscan.report.run_findings import read_fits
from muscan.results.table_rows import TOYS, read_table

RESULTS = Path("results")
TOYS_TABLE = "toybased.csv"  # limits from toys beside the asymptotic ones


class Figure(NamedTuple):
    """Pictures of one kind, with their caption."""

    title: str
    caption: dict[str, str]  # what is `drawn`, how to `read` it, what to `check`
    pictures: list[tuple[str, Path]]  # name, "" for a single picture, and PNG; a PDF is beside each PNG


class RunResults:
    """The results of a run, from their folder.

    Attributes:
        config: the configuration of the run.
        folder: the folder of the results.
        captions: captions of pictures by kind, from captions.yaml.
        rows: rows of limits.csv.
        fits: {(analysis, signal): fit.json}, None where it cannot be read.
        toy_rows: rows of toybased.csv; empty if the run has no limits from toys.
        limits: {scan: limits.json}, None where it has no limits.
    """

    def __init__(self, config: dict, captions: dict[str, dict[str, str]], folder: Path = RESULTS):
        self.config, self.captions, self.folder = config, captions, folder
        self.rows = read_table(folder / "limits.csv")
        self.fits = read_fits(folder, self.rows)
        # The configuration decides whether there are toys, because the table may be left from another configuration.
        self.with_toys = any(scan.endswith(f"/{TOYBASED}") for scan in all_scans(config))
        self.toy_rows = read_table(folder / TOYS_TABLE, TOYS) if self.with_toys else []
        self.limits = {scan: _read_limits(folder / scan / "limits.json") for scan in all_scans(config)}

    def limits_of(self, row: dict[str, str]) -> Limits | None:
        """Return limits.json of a row of limits.csv; None if it cannot be read."""
        return self.limits.get(f"{row['analysis']}/{path_name(row['signal'])}/{row['calculator']}")

    def figures(self, plot: str, place: Path) -> list[Figure]:
        """Return the pictures of a plot as one figure, or an empty list if there are none.

        Args:
            plot: kind of the plot, a key of the captions.
            place: a PNG, or a folder of PNGs.
        """
        files = sorted(place.glob("*.png"), key=_picture_order) if place.is_dir() else [place] * place.exists()
        caption = self.captions.get(plot, {})
        several = len(files) > 1 or place.is_dir()
        pictures = [(unquote(file.stem) if several else "", file) for file in files]
        return [Figure(caption.get("title", plot), caption, pictures)] if files else []


def _picture_order(file: Path) -> tuple[list[str], list[float], bool]:
    """Return a sorting key: numbers in names count by their values, and pre-fit comes before post-fit."""
    name = unquote(file.stem)
    parts = re.split(r"(\d+(?:\.\d+)?)", name.removesuffix("_postfit").removesuffix("_prefit"))
    return parts[::2], [float(part) for part in parts[1::2]], name.endswith("_postfit")


def _read_limits(file: Path) -> Limits | None:
    try:
        return Limits.read(file)
    except StepError:
        return None
