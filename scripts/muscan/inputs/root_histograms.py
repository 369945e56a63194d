"""Read histograms from ROOT files."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from muscan.base.csv_tables import join_column_names
from muscan.base.errors import InputError, Problems
from muscan.base.json_input import require_regular_file
from muscan.base.words import did_you_mean, format_distinct, shorten
from muscan.config.datasets import root_file
from muscan.inputs import bin_edges, flow_bins
from muscan.inputs.flow_bins import Contents
from muscan.inputs.histograms import OBSERVED, Histograms

LARGEST = 50_000_000  # bytes of one histogram in memory; a compressed file of a few kB can hold so many
Cell = tuple[str, str]  # channel and column
Place = tuple[str, str]  # file, and name of a histogram in it
Axis = np.ndarray  # edges of the bins, shape (nbins + 1,)


def histograms_from_root(spec: dict, observed: bool = True, uncertainties: Collection[str] = ()) -> Histograms:
    """Read ROOT histograms, and add the statistical uncertainty of each template as the column `<name>_stat`.

    Args:
        spec: `{"file": ..., "channels": {channel: {column: name in the file}}}`. A name may be
            `{"file": ..., "name": ...}` for a histogram in another file. The keys `underflow` and `overflow` say what
            is done with contents outside of the bins.
        observed: whether to read the observed events.
        uncertainties: columns that hold uncertainties instead of events.

    Raises:
        InputError: if histograms cannot be used; names file and histogram of each problem.
    """
    places = {
        (channel, column): (root_file(spec, name), name if isinstance(name, str) else name["name"])
        for channel, names in spec["channels"].items()
        for column, name in names.items()
        if observed or column != OBSERVED
    }
    problems = Problems()
    histograms = _read_all(places, problems)
    edges, columns, findings = {}, {}, []
    for channel in spec["channels"]:
        of_channel = {column: each for (name, column), each in histograms.items() if name == channel}
        if not of_channel:
            columns[channel] = {}
            continue
        with problems.collect():
            edges[channel] = _common_axis([(contents.place, axis) for contents, axis in of_channel.values()])
            contents = {column: each for column, (each, _) in of_channel.items()}
            findings += flow_bins.apply_flow_settings(channel, contents, spec, uncertainties)
            columns[channel] = _with_uncertainties(channel, contents)
    problems.raise_if_any()
    return Histograms(edges, columns, tuple(findings))


def _read_all(places: dict[Cell, Place], problems: Problems) -> dict[Cell, tuple[Contents, Axis]]:
    """Read histograms; each file is opened once. Those that cannot be used are problems."""
    histograms = {}
    for file in dict.fromkeys(file for file, _ in places.values()):
        with problems.collect(), open_root_file(file) as source:
            for cell, (_, name) in ((cell, place) for cell, place in places.items() if place[0] == file):
                with problems.collect():
                    histograms[cell] = _read_histogram(file, source, name)
                    _check_contents(histograms[cell][0], counts=cell[1] == OBSERVED)
    return {cell: histograms[cell] for cell in places if cell in histograms}


def _common_axis(axes: list[tuple[str, Axis]]) -> Axis:
    """Return the axis of a channel. The axes of its histograms may differ by rounding.

    Args:
        axes: place and axis of each histogram.

    Raises:
        InputError: if histograms have different bins; names them.
    """
    problems = Problems()
    first_place, first = axes[0]
    for place, axis in axes:
        if len(axis) != len(first):
            problems.add(f"{place} has other bins than {first_place}: {len(axis) - 1} against {len(first) - 1}")
    problems.raise_if_any()
    edges = np.array([axis for _, axis in axes])
    for one, other in _pairs_that_differ(edges):
        edge = int(np.argmin(bin_edges.edges_agree(edges[[one, other]])))
        values = " against ".join(format_distinct(edges[one, edge], edges[other, edge]))
        problems.add(f"{axes[one][0]} has other bins than {axes[other][0]}: edge {edge + 1} is {values}")
    problems.raise_if_any()
    return bin_edges.representative_edges(edges)


def _pairs_that_differ(edges: np.ndarray) -> list[tuple[int, int]]:
    """Return pairs of histograms with different edges: each one that differs from the first one, and the first one.

    If none differs from the first one by more than rounding, but two differ from each other, these two.

    Args:
        edges: shape (nhistograms, nbins + 1).
    """
    agree = bin_edges.edges_agree(edges)
    if agree.all():
        return []
    column = edges[:, np.argmin(agree)]
    pairs = [(i, 0) for i in range(1, len(edges)) if not bin_edges.edges_agree(edges[[0, i]]).all()]
    return pairs or [(int(np.argmax(column)), int(np.argmin(column)))]


def _with_uncertainties(channel: str, histograms: dict[str, Contents]) -> dict[str, np.ndarray]:
    """Return the columns of a channel: the observed events, and each template with its statistical uncertainty."""
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
def open_root_file(file: str) -> Iterator[Any]:
    """Open a ROOT file as uproot's `ReadOnlyDirectory`.

    Raises:
        InputError: if it is not a ROOT file, or what is read from it in the block is damaged.
    """
    import uproot

    require_regular_file(file)
    if not Path(file).stat().st_size:
        raise InputError(f"{file}: the file is empty")
    # uproot gets an open file, because it takes some names of files for addresses.
    with open(file, "rb") as raw, _damage_reported(f"{file}: not a readable ROOT file"), uproot.open(raw) as source:
        yield source


@contextmanager
def _damage_reported(what: str) -> Iterator[None]:
    """Turn any error of uproot into an InputError that begins with `what`.

    A damaged byte may mislead any part of uproot: AssertionError, zlib.error, RecursionError, UnicodeEncodeError,
    DeserializationError, ImportError and MemoryError have been seen, and only Exception is common to them.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        first_line = next(filter(None, str(error).split("\n")), "")
        raise InputError(f"{what}: {shorten(first_line or type(error).__name__)}") from error


def _read_histogram(file: str, source: Any, name: str) -> tuple[Contents, Axis]:
    """Read the contents and the axis of one histogram of an open file."""
    with _damage_reported(f"{file}: {name!r} cannot be read"):
        histogram = source[_require_key(file, source, name)]
        kind = getattr(histogram, "classname", "folder")
        if not kind.startswith(("TH1", "TProfile")) or not hasattr(histogram, "to_numpy"):
            raise InputError(f"{file}: {name!r} is not a one-dimensional histogram, but a {shorten(kind)}")
        values = np.array(histogram.values(flow=True), float)
        if kind.startswith("TProfile"):
            values[[0, -1]] = 0.0  # a mean of what lies outside is not a number of events
        variances, edges = _variances(histogram, values), histogram.axis().edges()
        if not len(values) == len(variances) == len(edges) + 1:
            raise ValueError(f"{len(values) - 2} contents, {len(variances) - 2} squared weights, {len(edges) - 1} bins")
    return Contents(f"{file}: {name!r}", values, variances), edges


def _require_key(file: str, source: Any, name: str) -> str:
    """Return the name of a histogram if the file has it and it is not too large."""
    try:
        key = source.key(name)
    except KeyError as error:
        known = sorted({key.split(";")[0] for key in source})
        names = join_column_names(known) or "nothing"
        hint = did_you_mean(name, known)
        raise InputError(f"{file}: no histogram {name!r}; the file holds {names}{hint}") from error
    if key.fObjlen > LARGEST:
        raise InputError(
            f"{file}: {name!r} has {key.fObjlen / 1e6:.0f} MB; a histogram may have at most {LARGEST / 1e6:g} MB"
        )
    return name


def _variances(histogram: Any, values: np.ndarray) -> np.ndarray:
    """Return squared uncertainties with underflow and overflow, shape (nbins + 2,).

    As in ROOT, they are the absolute contents if the histogram has no sums of squared weights.
    """
    if histogram.classname.startswith("TProfile"):
        return np.array(histogram.variances(flow=True), float)
    squares = np.array(histogram.member("fSumw2"), float)  # uproot's `variances` replaces negative ones by zero
    return squares if len(squares) else np.abs(values)


def _check_contents(histogram: Contents, counts: bool) -> None:
    """Require finite contents, which are not negative in observed events, and valid squared uncertainties elsewhere."""
    pairs = zip(histogram.values[1:-1], histogram.variances[1:-1], strict=True)
    for i, (value, variance) in enumerate(pairs, start=1):
        if not np.isfinite(value) or (counts and value < 0):
            raise InputError(f"{histogram.place}: the content of bin {i} is {value:g}")
        if not counts and not 0 <= variance < np.inf:
            raise InputError(f"{histogram.place}: the squared uncertainty of bin {i} is {variance:g}")
