"""Read histograms of any source: CSV files, ROOT files, or counts in the configuration."""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from muscan.base.errors import InputError
from muscan.base.words import OBSERVED_HINT, join_items
from muscan.diagnosis.findings import DOUBT, Finding
from muscan.inputs.histograms import OBSERVED, Histograms, read_histograms
from muscan.inputs.root_histograms import histograms_from_root


def histograms_from_counts(spec: dict, observed: bool = True) -> Histograms:
    """Make histograms of counts. Their bins have no edges in the data set, so they are numbered: 0, 1, 2, ...

    Args:
        spec: {channel: {column: number or list of numbers}}, such as
            `{"SR": {"signal": 1.0, "background": [0.4], "observed": 0}}`.
        observed: whether to read the observed events.

    Raises:
        InputError: if the columns of a channel have different lengths.
    """
    columns = {
        channel: {
            name: np.atleast_1d(np.asarray(values, dtype=float))
            for name, values in counts.items()
            if observed or name != OBSERVED
        }
        for channel, counts in spec.items()
    }
    return Histograms({channel: _numbered_edges(channel, counts) for channel, counts in columns.items()}, columns)


# Readers of each kind of source: the key of the `histograms` block and what reads its value.
READERS = {"csv": read_histograms, "counts": histograms_from_counts, "root": histograms_from_root}


def read_source(spec: dict, observed: bool = True) -> Histograms:
    """Read the histograms of a data set.

    Args:
        spec: the `histograms` block of a data set: one of the keys of `READERS`, and what
            `config.datasets.histogram_spec` adds: `uncertainties`, the columns that hold uncertainties. With the key
            `clip`, negative bins of templates are set to zero.
        observed: whether to read the observed events.

    Raises:
        InputError: if the histograms cannot be used.
    """
    kind = next(kind for kind in READERS if kind in spec)
    uncertainties = spec.get("uncertainties", [])
    more = (uncertainties,) if kind == "root" else ()
    histograms = READERS[kind](spec[kind], observed, *more)
    for channel, columns in histograms.columns.items():
        if len(histograms.edges.get(channel, ())) < 2:
            raise InputError(f"channel {channel!r} has no templates")
        if observed and OBSERVED not in columns:
            raise InputError(f"channel {channel!r} has no observed counts; {OBSERVED_HINT}")
    return clip_negative_bins(histograms, uncertainties) if "clip" in spec else histograms


def clip_negative_bins(histograms: Histograms, uncertainties: Collection[str]) -> Histograms:
    """Set negative bins of templates to zero. Uncertainties stay as they are.

    Args:
        histograms: of a data set.
        uncertainties: columns that hold uncertainties instead of events.

    Returns:
        the changed histograms, with a finding for each template that was changed.
    """
    columns, findings = {}, []
    for channel, before in histograms.columns.items():
        events = {name: values for name, values in before.items() if name != OBSERVED and name not in uncertainties}
        negative = {name: values for name, values in events.items() if (values < 0).any()}
        columns[channel] = before | {name: np.maximum(values, 0.0) for name, values in negative.items()}
        findings += _clipping_findings(channel, negative)
    return replace(histograms, columns=columns, findings=(*histograms.findings, *findings))


def _clipping_findings(channel: str, negative: dict[str, np.ndarray]) -> Iterator[Finding]:
    """Report the bins that are set to zero, for each template with negative bins."""
    for name, values in negative.items():
        removed = values.clip(max=0).sum()
        bins = join_items([f"bin {i + 1} ({values[i]:.4g})" for i in np.flatnonzero(values < 0)])
        yield Finding(
            DOUBT,
            "clipped",
            f"channel {channel!r}, template {name!r}",
            f"negative and set to zero: {bins}. "
            f"Its sum changes from {values.sum():.4g} to {values.sum() - removed:.4g}",
        )


def _numbered_edges(channel: str, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Return 0, 1, ..., nbins as edges of the bins of a channel, shape (nbins + 1,)."""
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"channel {channel!r}: templates of different lengths: {lengths}")
    return np.arange(max(lengths.values(), default=0) + 1, dtype=float)
