"""Underflow and overflow: the contents of histograms outside of their bins, and what is done with them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from muscan.base.errors import InputError
from muscan.base.words import join_items
from muscan.diagnosis.findings import DOUBT, Finding
from muscan.inputs.histograms import OBSERVED

# Values of the settings `underflow` and `overflow`; the third one is `Side.into`. Without a setting, contents outside
# of the bins are left out, and a finding says so.
IGNORE, ERROR = "ignore", "error"
# Where so many events are expected, it is no coincidence if the data have none: exp(-3) is 5 %.
EXPECTED = 3.0


class Side(NamedTuple):
    """One end of the axis of a histogram."""

    name: str  # "underflow" or "overflow", which is the name of the setting too
    where: str  # for messages
    flow: int  # index of the contents outside in `Contents.values`
    bin: int  # index of the bin beside them
    into: str  # value of the setting that adds the contents outside to the bin beside them

    @property
    def bin_name(self) -> str:
        """The bin beside the contents outside, for messages."""
        return self.into.replace("_", " ")


SIDES = (
    Side("underflow", "below the first edge", 0, 1, "first_bin"),
    Side("overflow", "beyond the last edge", -1, -2, "last_bin"),
)


@dataclass
class Contents:
    """A histogram with its underflow and overflow, which are the first and the last entry of the arrays."""

    place: str  # file and name of the histogram, for messages
    values: np.ndarray  # contents, shape (nbins + 2,)
    variances: np.ndarray  # squared uncertainties, shape (nbins + 2,)

    def outside(self, side: Side) -> float:
        """Return the content outside of the bins at one end."""
        return float(self.values[side.flow])

    def fraction_outside(self, side: Side) -> float:
        """Return the content outside as a fraction of all contents; absolute values are taken of both."""
        return abs(self.outside(side)) / max(np.nansum(np.abs(self.values)), abs(self.outside(side)))

    def describe_outside(self, column: str, side: Side) -> str:
        """Say how many events are outside, for messages."""
        events = self.outside(side)
        if not np.isfinite(events):
            return f"{column} {events:g}, which is not a number of events"
        return f"{column} {events:.4g} of {np.nansum(self.values):.4g} ({100 * self.fraction_outside(side):.3g} %)"


def apply_flow_settings(
    channel: str, histograms: dict[str, Contents], settings: dict[str, str], uncertainties: Collection[str]
) -> list[Finding]:
    """Add contents outside of the bins to the bins beside them, or leave them out, as the settings say.

    Args:
        channel: its name.
        histograms: {column: histogram} of the channel; changed in place.
        settings: may have the keys `underflow` and `overflow`.
        uncertainties: columns that hold uncertainties instead of events; they are added in quadrature.

    Returns:
        findings about events that were left out, or that may have been treated differently in data and templates.

    Raises:
        InputError: if something is outside although the setting is `error`, or it cannot be added.
    """
    findings: list[Finding] = []
    for side in SIDES:
        setting = settings.get(side.name)
        events = {name: each for name, each in histograms.items() if name not in uncertainties}
        outside = {name: each for name, each in events.items() if each.outside(side) != 0}
        if setting == ERROR and outside:
            raise InputError(
                f"channel {channel!r}: {side.where} lie {_describe_all(outside, side)}; `{side.name}: error` forbids it"
            )
        if setting == side.into:
            _add_to_bin(histograms, side, uncertainties)
        elif setting is None and outside:
            findings.append(_left_out(channel, outside, side))
        if setting != IGNORE:
            findings.extend(_find_one_sided(channel, events, side, added=setting == side.into))
    return findings


def _add_to_bin(histograms: dict[str, Contents], side: Side, uncertainties: Collection[str]) -> None:
    for name, each in histograms.items():
        value, variance = each.values[side.flow], each.variances[side.flow]
        if not np.isfinite(value) or (name == OBSERVED and value < 0):
            raise InputError(
                f"{each.place}: the content {side.where} is {value:g}: `{side.name}: {side.into}` cannot add it"
            )
        if name != OBSERVED and not 0 <= variance < np.inf:
            raise InputError(f"{each.place}: the squared uncertainty {side.where} is {variance:g}")
        inside = each.values[side.bin]
        each.values[side.bin] = np.hypot(inside, value) if name in uncertainties else inside + value
        each.variances[side.bin] += variance


def _left_out(channel: str, outside: dict[str, Contents], side: Side) -> Finding:
    return Finding(
        DOUBT,
        side.name,
        f"channel {channel!r}",
        f"{side.where} lie {_describe_all(outside, side)}, in no bin, and are left out. `{side.name}: {side.into}` "
        f"adds them to the {side.bin_name}; `{side.name}: ignore` leaves them out without this warning",
    )


def _describe_all(outside: dict[str, Contents], side: Side) -> str:
    """Describe all columns with contents outside, those with the largest fraction first."""
    worst = sorted(outside.items(), key=lambda item: -np.nan_to_num(item[1].fraction_outside(side), nan=np.inf))
    return join_items([each.describe_outside(name, side) for name, each in worst])


def _find_one_sided(channel: str, events: dict[str, Contents], side: Side, added: bool) -> Iterator[Finding]:
    """Find events outside in the data but in no template, or the other way round.

    It suggests that data and templates were filled differently.

    Args:
        channel: its name.
        events: {column: histogram}, without columns of uncertainties.
        side: the end of the axis.
        added: whether contents outside are added to the bin beside them.
    """
    observed = events[OBSERVED].outside(side) if OBSERVED in events else 0.0
    templates = {name: each.outside(side) for name, each in events.items() if name != OBSERVED}
    name, most = max(templates.items(), key=lambda item: item[1], default=("", 0.0))
    if observed > 0 and not any(templates.values()):
        what, others = f"the data have {observed:.4g} events, but no template has any", "templates"
    elif OBSERVED in events and observed == 0 and most >= EXPECTED:
        what, others = f"templates have up to {most:.4g} events ({name}), but the data have none", "data"
    else:
        return
    suspicion = "were dropped when the histograms were filled" if added else f"are in the {side.bin_name} already"
    yield Finding(
        DOUBT,
        f"one-sided-{side.name}",
        f"channel {channel!r}",
        f"{side.where} {what}. If those of the {others} {suspicion}, the limit is wrong: fill all histograms in the "
        "same way",
    )
