"""Simulate a search with a grid of signal points, in the form in which likelihoods are published.

Writes BkgOnly.json and patchset.json, as on HEPData, and cross_sections.csv.

Pairs of heavy particles of mass m1 decay to an invisible particle of mass m2 and a boson. Two control regions of one
bin determine two of the three backgrounds, a signal region has six bins of the effective mass. All masses and energies
are in GeV, cross sections in pb.
"""

from pathlib import Path

import numpy as np
import pyhf

from muscan.base.files import write_json, write_text
from muscan.commands.parser import command_parser

LUMINOSITY = 139.0  # 1/fb
BOSON = 125.0  # mass of the boson; m1 - m2 is larger
EDGES = np.array([300.0, 400.0, 500.0, 600.0, 800.0, 1000.0, np.inf])  # of the bins of the signal region
SEED = 1  # of the observed counts
SIMULATED = 200_000  # events of each signal point, before any selection
WEIGHT = 0.04  # of a simulated background event
DIGITS = 6  # in all files, because the last digits of exp and log depend on the machine

# Expected events of each background, and the scales of their exponential distributions in the signal region.
REGIONS = ("CR_top", "CR_w", "SR")
EVENTS = {"top": (850.0, 140.0, 110.0), "w": (60.0, 620.0, 60.0), "other": (45.0, 70.0, 25.0)}
SCALES = {"top": 115.0, "w": 130.0, "other": 150.0}
FREE = {"top": "mu_top", "w": "mu_w"}
# Relative uncertainties {parameter: {sample: size}} of the number of events, and in the first and last bin of a region.
NUMBERS = {
    "luminosity": {"other": 0.017, "signal": 0.017},
    "lepton_efficiency": {"other": 0.01, "signal": 0.01},
    "b_tagging": {"top": 0.02, "w": 0.06, "other": 0.05, "signal": 0.04},
    "jet_energy_scale": {"signal": 0.03},
    "other_cross_section": {"other": 0.3},
}
SHAPES = {
    "jet_energy_scale": {"top": (0.01, 0.08), "w": (0.02, 0.1), "other": (0.02, 0.12)},
    "jet_energy_resolution": {"top": (-0.01, 0.04), "w": (-0.02, 0.05)},
    "top_generator": {"top": (0.02, 0.25)},
    "w_generator": {"w": (0.03, 0.3)},
}


def mass_points() -> list[tuple[int, int]]:
    """Return the masses (m1, m2): a square grid, and two rows along the diagonal, where limits change fast."""
    square = [(m1, m2) for m1 in range(200, 1001, 100) for m2 in range(0, 501, 100) if m1 - m2 > BOSON]
    rows = [(m1, m1 - 135) for m1 in range(200, 601, 100)] + [(m1, m1 - 200) for m1 in range(250, 651, 100)]
    return sorted(square + rows)


def cross_section(m1: float) -> tuple[float, float]:
    """Return the cross section of pair production and its error in pb: a power law with an exponential cut-off."""
    value = (200 / m1) ** 3.5 * np.exp(-(m1 - 200) / 225)
    return round_digits(value), round_digits(value * (0.05 + 0.07 * (m1 - 200) / 800))


def acceptance(m1: float, m2: float) -> np.ndarray:
    """Return the fraction of signal events in each bin of the signal region, shape (6,).

    The larger m1 - m2, the more events are accepted, and the larger their effective masses.
    """
    total = 0.06 * (1 - np.exp(-(m1 - m2 - BOSON) / 250))
    return total * exponential_shape(80 + 0.4 * (m1 - m2))


def exponential_shape(scale: float) -> np.ndarray:
    """Return an exponential distribution in the bins of the signal region, shape (6,), normalised to 1."""
    return -np.diff(np.exp(-(EDGES - EDGES[0]) / scale))


def signal_sample(m1: int, m2: int) -> dict:
    """Return the sample of a signal point, without the uncertainty of the cross section."""
    accepted = acceptance(m1, m2)
    events = 1000 * LUMINOSITY * cross_section(m1)[0] * accepted
    # Radiation is more important where the decay products have little energy.
    acceptance_error = 0.05 + 0.1 * np.exp(-(m1 - m2 - BOSON) / 100)
    return {
        "name": name(m1, m2),
        "data": round_digits(events),
        "modifiers": [
            {"name": "mu", "type": "normfactor", "data": None},
            staterror("SR", events / np.sqrt(SIMULATED * accepted)),
            *(normsys(each, sizes["signal"]) for each, sizes in NUMBERS.items() if "signal" in sizes),
            normsys("signal_acceptance", acceptance_error),
        ],
    }


def name(m1: int, m2: int) -> str:
    """Return the name of a signal point."""
    return f"signal_{m1}_{m2}"


def background_sample(region: str, sample: str) -> dict:
    """Return the sample of a background in a region."""
    total = EVENTS[sample][REGIONS.index(region)]
    events = total * exponential_shape(SCALES[sample]) if region == "SR" else np.array([total])
    modifiers = [staterror(region, np.sqrt(WEIGHT * events))]
    if sample in FREE:
        modifiers.append({"name": FREE[sample], "type": "normfactor", "data": None})
    modifiers += [normsys(each, sizes[sample]) for each, sizes in NUMBERS.items() if sample in sizes]
    modifiers += [histosys(each, events, *sizes[sample]) for each, sizes in SHAPES.items() if sample in sizes]
    return {"name": sample, "data": round_digits(events), "modifiers": modifiers}


def staterror(region: str, errors: np.ndarray) -> dict:
    """Return a staterror modifier with absolute uncertainties."""
    return {"name": f"staterror_{region}", "type": "staterror", "data": round_digits(errors)}


def normsys(parameter: str, size: float) -> dict:
    """Return a normsys modifier with a relative size."""
    return {"name": parameter, "type": "normsys", "data": {"hi": round_digits(1 + size), "lo": round_digits(1 - size)}}


def histosys(parameter: str, events: np.ndarray, first: float, last: float) -> dict:
    """Return a histosys modifier with a relative size that changes linearly from the first bin to the last."""
    factors = 1 + np.linspace(first, last, len(events))
    data = {"hi_data": round_digits(events * factors), "lo_data": round_digits(events / factors)}
    return {"name": parameter, "type": "histosys", "data": data}


def background_workspace() -> dict:
    """Return the background-only workspace, with pseudo-data without signal.

    As in published likelihoods, no sample carries the POI until a signal is patched in.
    """
    channels = [{"name": each, "samples": [background_sample(each, sample) for sample in EVENTS]} for each in REGIONS]
    random = np.random.RandomState(SEED)  # its stream is the same in all versions of NumPy
    expected = [np.sum([sample["data"] for sample in channel["samples"]], axis=0) for channel in channels]
    observed = [random.poisson(each).tolist() for each in expected]
    parameters = [{"name": "mu", "bounds": [[0, 100]], "inits": [1]}]
    return {
        "version": "1.0.0",
        "channels": channels,
        "observations": [{"name": region, "data": data} for region, data in zip(REGIONS, observed, strict=True)],
        "measurements": [{"name": "search", "config": {"poi": "mu", "parameters": parameters}}],
    }


def patchset(background_only: dict) -> dict:
    """Return the patch set of all signal points."""
    path = f"/channels/{REGIONS.index('SR')}/samples/0"
    return {
        "version": "1.0.0",
        "metadata": {
            "description": "an invented search: pairs of X of mass m1 decay to Y of mass m2 and a boson [GeV]",
            "labels": ["m1", "m2"],
            "references": {"hepdata": "ins0000000"},  # required by the schema of pyhf; there is no such record
            "digests": {"sha256": pyhf.utils.digest(background_only, algorithm="sha256")},
        },
        "patches": [
            {
                "metadata": {"name": name(*masses), "values": list(masses)},
                "patch": [{"op": "add", "path": path, "value": signal_sample(*masses)}],
            }
            for masses in mass_points()
        ],
    }


def cross_sections() -> str:
    """Return the table of cross sections as CSV, with one row for each m1."""
    rows = (",".join(map(str, (m1, *cross_section(m1)))) for m1 in sorted({m1 for m1, _ in mass_points()}))
    return "\n".join(["m1,cross_section,cross_section_error", *rows, ""])


def round_digits(numbers: float | np.ndarray) -> float | list:
    """Return a number, or the numbers of an array as a list, rounded to `DIGITS` significant digits."""
    if np.ndim(numbers):
        return [round_digits(each) for each in numbers]
    return float(f"{numbers:.{DIGITS}g}")


def main(argv: list[str] | None = None) -> None:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--output", type=Path, required=True, help="folder of the three files")
    args = parse.parse_args(argv)
    background_only = background_workspace()
    write_json(args.output / "BkgOnly.json", background_only)
    write_json(args.output / "patchset.json", patchset(background_only))
    write_text(args.output / "cross_sections.csv", cross_sections())
