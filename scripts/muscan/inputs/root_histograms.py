"""Histograms of ROOT files."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np

from muscan.base.csv_tables import columns as columns_in_words
from muscan.base.errors import InputError, Problems
from muscan.base.json_input import check_regular
from muscan.base.words import did_you_mean, shortened, told_apart
from muscan.config.datasets import root_file
from muscan.inputs import bin_edges, flow_bins
from muscan.inputs.flow_bins import Contents
from muscan.inputs.histograms import OBSERVED, Histograms

LARGEST = 50_000_000  # bytes of a histogram in a ROOT file; a few kB can be that much when they are unpacked
Cell = tuple[str, str]  # a channel and a column


def from_root(spec: dict, observed: bool = True, uncertainties: Collection[str] = ()) -> Histograms:
    """ROOT histograms, `{"file": ..., "channels": {"SR": {"signal": "SR/sig", "observed": "SR/data"}}}`.

    The statistical uncertainty of each template becomes a further column, `<name>_stat`.

    Args:
        spec: a histogram may be `{"file": ..., "name": ...}`, of another file; `underflow` and `overflow` say what
            becomes of what lies outside of the bins.
        observed: whether to read the observed counts.
        uncertainties: columns that hold uncertainties.

    Raises:
        InputError: naming file and histogram of all that is wrong.
    """
    places = {
        (channel, column): (root_file(spec, name), name if isinstance(name, str) else name["name"])
        for channel, names in spec["channels"].items()
        for column, name in names.items()
        if observed or column != OBSERVED
    }
    problems = Problems()
    read = _read(places, problems)
    edges, columns, findings = {}, {}, []
    for channel in spec["channels"]:
        mine = {column: each for (where, column), each in read.items() if where == channel}
        if not mine:
            columns[channel] = {}
            continue
        with problems.noted():
            edges[channel] = _common_edges([(each.place, axis) for each, axis in mine.values()])
            contents = {column: each for column, (each, _) in mine.items()}
            findings += flow_bins.settled(channel, contents, spec, uncertainties)
            columns[channel] = _with_uncertainties(channel, contents)
    problems.end()
    return Histograms(edges, columns, tuple(findings))


def _read(places: dict[Cell, tuple[str, str]], problems: Problems) -> dict[Cell, tuple[Contents, np.ndarray]]:
    """Contents and edges of histograms, of which file and name are given."""
    found = {}
    for file in dict.fromkeys(file for file, _ in places.values()):
        with problems.noted(), opened(file) as source:
            for cell, (_, name) in ((cell, place) for cell, place in places.items() if place[0] == file):
                with problems.noted():
                    found[cell] = _root_histogram(file, source, name)
                    _check_bins(found[cell][0], counts=cell[1] == OBSERVED)
    return {cell: found[cell] for cell in places if cell in found}


def _common_edges(axes: list[tuple[str, np.ndarray]]) -> np.ndarray:
    """The edges that all histograms of a channel have, which may differ by rounding, shape (nbins + 1,).

    Args:
        axes: place and edges of each histogram.

    Raises:
        InputError: naming the histograms that have other bins.
    """
    problems = Problems()
    for place, axis in axes:
        if len(axis) != len(axes[0][1]):
            problems.note(f"{place} has other bins than {axes[0][0]}: {len(axis) - 1} against {len(axes[0][1]) - 1}")
    problems.end()
    edges = np.array([axis for _, axis in axes])
    for one, other in _unlike(edges):
        edge = int(np.argmin(bin_edges.shared(edges[[one, other]])))
        values = " against ".join(told_apart(edges[one, edge], edges[other, edge]))
        problems.note(f"{axes[one][0]} has other bins than {axes[other][0]}: edge {edge + 1} is {values}")
    problems.end()
    return bin_edges.common(edges)


def _unlike(edges: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of histograms with different edges: those unlike the first, or two if only these differ too much."""
    shared = bin_edges.shared(edges)
    if shared.all():
        return []
    column = edges[:, np.argmin(shared)]
    others = [(i, 0) for i in range(1, len(edges)) if not bin_edges.shared(edges[[0, i]]).all()]
    return others or [(int(np.argmax(column)), int(np.argmin(column)))]


def _with_uncertainties(channel: str, histograms: dict[str, Contents]) -> dict[str, np.ndarray]:
    """The columns of a channel: the data alone, and each template with its statistical uncertainty."""
    columns = {}
    for column, each in histograms.items():
        columns[column] = each.values[1:-1]
        stat = f"{column}_stat"
        if stat in histograms and column != OBSERVED:
            what = f"{stat}, the name of the statistical uncertainty of {column}"
            raise InputError(f"channel {channel!r}: a template cannot be called {what}")
        if column != OBSERVED:
            columns[stat] = np.sqrt(each.variances[1:-1])
    return columns


@contextmanager
def opened(file: str) -> Iterator:
    """A ROOT file.

    Raises:
        InputError: if it is none, or what is read from it is damaged.
    """
    import uproot

    check_regular(file)
    # An open file, because uproot takes some names of files for addresses.
    with open(file, "rb") as raw, _damage_named(f"{file}: not a readable ROOT file"), uproot.open(raw) as source:
        yield source


@contextmanager
def _damage_named(what: str) -> Iterator[None]:
    """Name the file if uproot cannot read it.

    A damaged byte may mislead any part of uproot: AssertionError, zlib.error, RecursionError, UnicodeEncodeError,
    DeserializationError, ImportError and MemoryError have been seen, and no class is common to all but Exception.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        first = next(filter(None, str(error).split("\n")), "")
        raise InputError(f"{what}: {shortened(first or type(error).__name__)}") from error


def _root_histogram(file: str, source, name: str) -> tuple[Contents, np.ndarray]:
    """Contents and edges."""
    with _damage_named(f"{file}: {name!r} cannot be read"):
        try:
            key = source.key(name)
        except KeyError as error:
            known = sorted({key.split(";")[0] for key in source})
            holds = columns_in_words(known) or "nothing"
            hint = did_you_mean(name, known)
            raise InputError(f"{file}: no histogram {name!r}; the file holds {holds}{hint}") from error
        if key.fObjlen > LARGEST:
            raise InputError(
                f"{file}: {name!r} has {key.fObjlen / 1e6:.0f} MB; a histogram has at most {LARGEST / 1e6:g}"
            )
        histogram = source[name]
        kind = getattr(histogram, "classname", "folder")
        if not kind.startswith(("TH1", "TProfile")) or not hasattr(histogram, "to_numpy"):
            raise InputError(f"{file}: {name!r} is not a one-dimensional histogram, but a {shortened(kind)}")
        values = np.array(histogram.values(flow=True), float)
        if kind.startswith("TProfile"):
            values[[0, -1]] = 0.0  # means of what lies outside, not events
        variances, edges = _variances(histogram, values), histogram.axis().edges()
        if not len(values) == len(variances) == len(edges) + 1:
            raise ValueError(f"{len(values) - 2} contents, {len(variances) - 2} squared weights, {len(edges) - 1} bins")
    return Contents(f"{file}: {name!r}", values, variances), edges


def _variances(histogram, values: np.ndarray) -> np.ndarray:
    """Squared uncertainties with under- and overflow; where no squared weights are kept |content|, as ROOT has it."""
    if histogram.classname.startswith("TProfile"):
        return np.array(histogram.variances(flow=True), float)
    squares = np.array(histogram.member("fSumw2"), float)  # uproot's variances have zeros for negative ones
    return squares if len(squares) else np.abs(values)


def _check_bins(histogram: Contents, counts: bool) -> None:
    """Numbers that are none, negative counts, and negative sums of squared weights."""
    pairs = zip(histogram.values[1:-1], histogram.variances[1:-1], strict=True)
    for i, (value, variance) in enumerate(pairs, start=1):
        if not np.isfinite(value) or (counts and value < 0):
            raise InputError(f"{histogram.place}: the content of bin {i} is {value:g}")
        if not counts and not 0 <= variance < np.inf:
            raise InputError(f"{histogram.place}: the squared uncertainty of bin {i} is {variance:g}")
