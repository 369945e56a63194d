"""Bring histograms of any source into one form.

Reads a CSV file, ROOT files or counts from its options, writes histograms.csv, and what was left out or changed.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from muscan.base.errors import InputError
from muscan.base.words import WITHOUT_OBSERVED, listed
from muscan.diagnosis.findings import DOUBT, Finding
from muscan.inputs.histograms import OBSERVED, Histograms, read_histograms
from muscan.inputs.root_histograms import from_root


def from_counts(spec: dict, observed: bool = True) -> Histograms:
    """Counts per channel, `{"SR": {"signal": 1.0, "background": [0.4], "observed": 0}}`; bins are numbered."""
    columns = {
        channel: {
            name: np.atleast_1d(np.asarray(values, dtype=float))
            for name, values in templates.items()
            if observed or name != OBSERVED
        }
        for channel, templates in spec.items()
    }
    return Histograms({channel: _numbered(channel, templates) for channel, templates in columns.items()}, columns)


READERS = {"csv": read_histograms, "counts": from_counts, "root": from_root}


def read(spec: dict, observed: bool = True) -> Histograms:
    """What a `histograms` block says.

    Args:
        spec: one of the keys of READERS, and what `configuration.histogram_spec` adds.
        observed: whether to read the observed counts.

    Raises:
        InputError: if it cannot be used.
    """
    kind = next(kind for kind in READERS if kind in spec)
    uncertainties = spec.get("uncertainties", [])
    more = (uncertainties,) if kind == "root" else ()
    found = READERS[kind](spec[kind], observed, *more)
    for channel, columns in found.columns.items():
        if len(found.edges.get(channel, ())) < 2:
            raise InputError(f"channel {channel!r} has no templates")
        if observed and OBSERVED not in columns:
            raise InputError(f"channel {channel!r} has no observed counts; {WITHOUT_OBSERVED}")
    return clipped(found, uncertainties) if "clip" in spec else found


def clipped(histograms: Histograms, uncertainties: Collection[str]) -> Histograms:
    """Negative bins of templates become zero; uncertainties stay as they are.

    Args:
        histograms: of a data set.
        uncertainties: columns that hold uncertainties.
    """
    columns, findings = {}, []
    for channel, known in histograms.columns.items():
        events = {name: values for name, values in known.items() if name != OBSERVED and name not in uncertainties}
        negative = {name: values for name, values in events.items() if (values < 0).any()}
        columns[channel] = known | {name: np.maximum(values, 0.0) for name, values in negative.items()}
        findings += _clipped(channel, negative)
    return replace(histograms, columns=columns, findings=(*histograms.findings, *findings))


def _clipped(channel: str, negative: dict[str, np.ndarray]) -> Iterator[Finding]:
    """What was set to zero in each template."""
    for name, values in negative.items():
        lost = values.clip(max=0).sum()
        each = listed([f"bin {i + 1} ({values[i]:.4g})" for i in np.flatnonzero(values < 0)])
        yield Finding(
            DOUBT,
            "clipped",
            f"channel {channel!r}, template {name!r}",
            f"negative and set to zero: {each}. Its sum is {values.sum() - lost:.4g} now, and was {values.sum():.4g}",
        )


def _numbered(channel: str, templates: dict[str, np.ndarray]) -> np.ndarray:
    """Edges of bins that have only numbers."""
    lengths = {name: len(values) for name, values in templates.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"channel {channel!r}: templates of different lengths: {lengths}")
    return np.arange(max(lengths.values(), default=0) + 1, dtype=float)
