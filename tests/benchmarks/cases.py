"""Models of the benchmarks, with their toys: the same for every program that is timed."""

import gzip
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import jsonpatch
import numpy as np
import pandas as pd

from helpers.workspaces import MU, counting, engine_of, fit, workspace

HERE = Path(__file__).parent
PUBLISHED = Path(os.environ.get("MUSCAN_DATA", HERE.parents[2] / "shared/data"))
SEED = 1
FILES = {
    "1Lbb": ("BkgOnly.json.gz", "patchset.json.gz"),
    "sbottom-A": ("BkgOnly.json.gz", "patches/sbottom_1300_205_60.json"),
    "stau-highmass": ("BkgOnly.json.gz", "patchset.json"),
}


def need(*likelihoods: str) -> None:
    """End with a line about the published likelihoods, folders of PUBLISHED, that are not there."""
    files = (PUBLISHED / each / name for each in likelihoods for name in FILES[each])
    missing = [str(file.relative_to(PUBLISHED)) for file in files if not file.is_file()]
    if missing:
        sys.exit(
            f"This benchmark reads published likelihoods, and {PUBLISHED.resolve()} lacks {', '.join(missing)}. "
            "config/examples/README.md says where to get them; put them there under these names, or into a folder of "
            "your choice that MUSCAN_DATA names."
        )


class Case(NamedTuple):
    workspace: dict
    mu: float  # tested signal strength
    poi_bound: float


def default_question(locked: bool) -> Case:
    histograms = pd.read_csv(HERE.parent / "data/seed-question/original.csv")
    modifiers = [("background_stat", "shapesys", np.sqrt(histograms["background"]).tolist())]
    modifiers += [] if locked else [("bkgnorm", "normfactor", None)]
    templates = (histograms[name].tolist() for name in ("observed", "signal", "background"))
    return Case(counting(*templates, *modifiers), 1.0, 5.0)


def two_channels() -> Case:
    """2 channels of 10 bins, 15 parameters: mu, bkgnorm, two normsys, a histosys and ten gammas."""
    x = np.arange(10)
    falling, bump = 300 * np.exp(-0.15 * x), 25 * np.exp(-0.5 * (x - 6) ** 2 / 2)
    shape = {"hi_data": (falling * (1 + 0.02 * x)).tolist(), "lo_data": (falling * (1 - 0.015 * x)).tolist()}
    energy, efficiency = ("energy", "histosys", shape), ("efficiency", "normsys", {"hi": 1.06, "lo": 0.95})
    theory, norm = ("theory", "normsys", {"hi": 1.1, "lo": 0.92}), ("bkgnorm", "normfactor", None)
    stat = ("stat", "staterror", (0.05 * falling).tolist())
    rng = np.random.default_rng(SEED)
    spec = workspace(
        {
            "control": (rng.poisson(5 * falling).tolist(), {"background": ((5 * falling).tolist(), [norm, theory])}),
            "signal": (
                rng.poisson(falling).tolist(),
                {
                    "signal": (bump.tolist(), [MU, efficiency]),
                    "background": (falling.tolist(), [norm, efficiency, energy, stat]),
                },
            ),
        }
    )
    return Case(spec, 1.0, 10.0)


def published(folder: str, patches: str, name: str) -> Case:
    background = json.loads(gzip.decompress((PUBLISHED / folder / "BkgOnly.json.gz").read_bytes()))
    raw = (PUBLISHED / folder / patches).read_bytes()
    patch = json.loads(gzip.decompress(raw) if patches.endswith(".gz") else raw)
    if isinstance(patch, dict):
        patch = next(each["patch"] for each in patch["patches"] if each["metadata"]["name"] == name)
    return Case(jsonpatch.apply_patch(background, patch), 1.0, 10.0)


CASES = {
    "default question, floating": lambda: default_question(locked=False),
    "default question, locked": lambda: default_question(locked=True),
    "2 channels x 10 bins": two_channels,
    "sbottom-A": lambda: published("sbottom-A", "patches/sbottom_1300_205_60.json", ""),
    "stau-highmass": lambda: published("stau-highmass", "patchset.json", "DS_400_40"),
    "1Lbb": lambda: published("1Lbb", "patchset.json.gz", "C1N2_Wh_hbb_1000_0"),
}


def toys(case: Case, number: int, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Signal+background toys, shape (nmain + naux, number), and the parameters that made them."""
    engine = engine_of(case.workspace, poi_bound=case.poi_bound)
    model = engine.model
    truth = fit(engine, model.data, [model.initial], case.mu).parameters
    expected = engine.likelihood.asimov(truth)[:, None]
    rng = np.random.default_rng(seed)
    constraints = model.constraints
    normal = rng.normal(expected[model.nmain :], constraints.sigma[:, None], (len(constraints.sigma), number))
    poisson = rng.poisson(np.maximum(expected, 0), (len(expected), number)).astype(float)
    auxiliary = np.where(constraints.is_poisson[:, None], poisson[model.nmain :], normal)
    return np.concatenate([poisson[: model.nmain], auxiliary]), truth
