#!/usr/bin/env python
"""Bring histograms of any source into one form.

Reads a CSV file, ROOT files or counts from its options, writes histograms.csv.
"""

import argparse
import json

import numpy as np

from files import failure_recorded, run
from histograms import Histograms, read_histograms, write_histograms
from inference.errors import InputError


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
    edges, columns = {}, {}
    with opened(spec["file"]) as source:
        for channel, names in spec["channels"].items():
            columns[channel] = {}
            for column, name in names.items():
                values, variances, axis = _root_histogram(spec["file"], source, name)
                if not np.array_equal(axis, edges.setdefault(channel, axis)):
                    raise InputError(f"{spec['file']}: {name} has other bins than the histograms before it")
                columns[channel][column] = values
                if column != "observed":
                    if f"{column}_stat" in names:
                        what = f"{column}_stat, the name of the statistical uncertainty of {column}"
                        raise InputError(f"channel {channel!r}: a template cannot be called {what}")
                    columns[channel][f"{column}_stat"] = np.sqrt(variances)
    return Histograms(edges, columns)


def opened(file: str):
    """A ROOT file.

    Raises:
        InputError: if it is none.
    """
    import uproot

    try:
        return uproot.open(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: not a readable ROOT file: {str(error).splitlines()[0]}") from error


READERS = {"csv": read_histograms, "counts": from_counts, "root": from_root}


def _same_length(channel: str, templates: dict[str, np.ndarray], observed: bool) -> np.ndarray:
    lengths = {name: len(values) for name, values in templates.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"channel {channel!r}: templates of different lengths: {lengths}")
    if observed and "observed" not in templates:
        raise InputError(f"channel {channel!r} has no observed counts")
    return np.arange(max(lengths.values()) + 1, dtype=float)


def _root_histogram(file: str, source, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    try:
        histogram = source[name]
        values, axis = histogram.to_numpy()
    except KeyError as error:
        known = ", ".join(sorted({key.split(";")[0] for key in source})) or "nothing"
        raise InputError(f"{file}: no histogram {name!r}; the file holds {known}") from error
    except (AttributeError, ValueError) as error:
        raise InputError(f"{file}: {name!r} is not a one-dimensional histogram") from error
    variances = histogram.variances()
    return np.asarray(values, float), np.asarray(values if variances is None else variances, float), axis


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
