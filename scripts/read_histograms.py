#!/usr/bin/env python
"""Bring histograms of any source into one form.

Reads a CSV file, ROOT files or counts from its options, writes histograms.csv.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from csv_tables import columns as columns_in_words
from files import failure_recorded, run
from histograms import Histograms, read_histograms, write_histograms
from inference.errors import InputError, Problems
from json_input import check_regular
from messages import did_you_mean, shortened

LARGEST = 50_000_000  # bytes of a histogram in a ROOT file; a few kB can be that much when they are unpacked


def from_counts(spec: dict, observed: bool = True) -> Histograms:
    """Counts per channel, `{"SR": {"signal": 1.0, "background": [0.4], "observed": 0}}`; bins are numbered."""
    columns = {
        channel: {name: np.atleast_1d(np.asarray(values, dtype=float)) for name, values in templates.items()}
        for channel, templates in spec.items()
    }
    return Histograms(
        {channel: _same_length(channel, templates, observed) for channel, templates in columns.items()},
        columns,
    )


def from_root(spec: dict, observed: bool = True) -> Histograms:
    """ROOT histograms, `{"file": ..., "channels": {"SR": {"signal": "SR/sig", "observed": "SR/data"}}}`.

    The statistical uncertainty of each template becomes a further column, `<name>_stat`.
    """
    file, edges, columns, problems = spec["file"], {}, {}, Problems()
    with opened(file) as source:
        for channel, names in spec["channels"].items():
            columns[channel] = {}
            for column, name in names.items():
                with problems.noted():
                    values, variances, axis = _root_histogram(file, source, name)
                    if not np.array_equal(axis, edges.setdefault(channel, axis)):
                        raise InputError(f"{file}: {name!r} has other bins than the histograms before it")
                    _check_bins(f"{file}: {name!r}", values, variances, counts=column == "observed")
                    columns[channel] |= _with_uncertainty(channel, column, names, values, variances)
        problems.end()
    return Histograms(edges, columns)


def _with_uncertainty(channel: str, column: str, names: dict, values: np.ndarray, variances: np.ndarray) -> dict:
    """The columns of a histogram: the data alone, or a template and its statistical uncertainty."""
    if column == "observed":
        return {column: values}
    if f"{column}_stat" in names:
        what = f"{column}_stat, the name of the statistical uncertainty of {column}"
        raise InputError(f"channel {channel!r}: a template cannot be called {what}")
    return {column: values, f"{column}_stat": np.sqrt(variances)}


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


READERS = {"csv": read_histograms, "counts": from_counts, "root": from_root}


def _same_length(channel: str, templates: dict[str, np.ndarray], observed: bool) -> np.ndarray:
    lengths = {name: len(values) for name, values in templates.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"channel {channel!r}: templates of different lengths: {lengths}")
    if observed and "observed" not in templates:
        raise InputError(f"channel {channel!r} has no observed counts")
    return np.arange(max(lengths.values()) + 1, dtype=float)


def _root_histogram(file: str, source, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, variances and edges."""
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
        values, axis = histogram.to_numpy()
        variances = histogram.variances()
    return np.asarray(values, float), np.asarray(values if variances is None else variances, float), axis


def _check_bins(where: str, values: np.ndarray, variances: np.ndarray, counts: bool) -> None:
    """Numbers that are none, negative counts, and negative sums of squared weights."""
    for i, (value, variance) in enumerate(zip(values, variances, strict=True), start=1):
        if not np.isfinite(value) or (counts and value < 0):
            raise InputError(f"{where}: the content of bin {i} is {value:g}")
        if not counts and not 0 <= variance < np.inf:
            raise InputError(f"{where}: the squared uncertainty of bin {i} is {variance:g}")


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--spec", type=json.loads, required=True, help="the `histograms` block of a data set, as JSON")
    parse.add_argument("--blind", action="store_true", help="leave the observed data out")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    kind, spec = next(iter(args.spec.items()))
    with failure_recorded(args.output):
        write_histograms(args.output, READERS[kind](spec, observed=not args.blind))


if __name__ == "__main__":
    run(main)
