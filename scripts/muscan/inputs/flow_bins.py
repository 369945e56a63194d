"""Under- and overflow: what histograms hold outside of their bins, and what becomes of it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from muscan.base.errors import InputError
from muscan.base.words import listed
from muscan.diagnosis.findings import DOUBT, Finding
from muscan.inputs.histograms import OBSERVED

IGNORE, ERROR = "ignore", "error"  # what may become of it, besides that it is counted in the bin next to it
# Events: where so many are expected, an empty overflow of the data is no chance (e^-3 is 5 %).
EXPECTED = 3.0


class Side(NamedTuple):
    """One end of an axis; `flow` and `bin` are positions among the contents with under- and overflow."""

    name: str
    where: str
    flow: int
    bin: int
    into: str  # the value of the setting that counts what lies there in the bin next to it

    @property
    def bin_name(self) -> str:
        return self.into.replace("_", " ")


SIDES = (
    Side("underflow", "below the first edge", 0, 1, "first_bin"),
    Side("overflow", "beyond the last edge", -1, -2, "last_bin"),
)


@dataclass
class Contents:
    """A histogram with its under- and overflow, which are the first and the last entry, shape (nbins + 2,)."""

    place: str  # the file and the name, for messages
    values: np.ndarray
    variances: np.ndarray

    def outside(self, side: Side) -> float:
        return float(self.values[side.flow])

    def share(self, side: Side) -> float:
        """Of all contents, whatever their signs."""
        return abs(self.outside(side)) / max(np.nansum(np.abs(self.values)), abs(self.outside(side)))

    def told(self, column: str, side: Side) -> str:
        """What lies outside, in words."""
        events = self.outside(side)
        if not np.isfinite(events):
            return f"{column} {events:g}, which is no number of events"
        return f"{column} {events:.4g} of {np.nansum(self.values):.4g} ({100 * self.share(side):.3g} %)"


def settled(
    channel: str, histograms: dict[str, Contents], settings: dict[str, str], uncertainties: Collection[str]
) -> list[Finding]:
    """Count what lies outside in the bins next to it, or say that it is left out, as the settings want.

    Args:
        channel: its name.
        histograms: of the channel, by column; changed in place.
        settings: `underflow` and `overflow`, which may be missing.
        uncertainties: columns that hold uncertainties instead of events; they are added in quadrature.

    Raises:
        InputError: if something lies outside where the settings allow none, or cannot be counted.
    """
    found: list[Finding] = []
    for side in SIDES:
        setting = settings.get(side.name)
        events = {name: each for name, each in histograms.items() if name not in uncertainties}
        outside = {name: each for name, each in events.items() if each.outside(side) != 0}
        if setting == ERROR and outside:
            raise InputError(
                f"channel {channel!r}: {side.where} lie {_listed(outside, side)}; `{side.name}: error` forbids it"
            )
        if setting == side.into:
            _count(histograms, side, uncertainties)
        elif setting is None and outside:
            found.append(_left_out(channel, outside, side))
        if setting != IGNORE:
            found.extend(_one_sided(channel, events, side, counted=setting == side.into))
    return found


def _count(histograms: dict[str, Contents], side: Side, uncertainties: Collection[str]) -> None:
    for name, each in histograms.items():
        value, variance = each.values[side.flow], each.variances[side.flow]
        if not np.isfinite(value) or (name == OBSERVED and value < 0):
            raise InputError(
                f"{each.place}: the content {side.where} is {value:g}: `{side.name}: {side.into}` cannot count it"
            )
        if name != OBSERVED and not 0 <= variance < np.inf:
            raise InputError(f"{each.place}: the squared uncertainty {side.where} is {variance:g}")
        quadratic = name in uncertainties
        each.values[side.bin] = np.hypot(each.values[side.bin], value) if quadratic else each.values[side.bin] + value
        each.variances[side.bin] += variance


def _left_out(channel: str, outside: dict[str, Contents], side: Side) -> Finding:
    return Finding(
        DOUBT,
        side.name,
        f"channel {channel!r}",
        f"{side.where} lie {_listed(outside, side)}, in no bin. `{side.name}: {side.into}` counts them in the "
        f"{side.bin_name}; `{side.name}: ignore` says that they are to be left out",
    )


def _listed(outside: dict[str, Contents], side: Side) -> str:
    """All columns that have something outside, the largest share first."""
    worst = sorted(outside.items(), key=lambda item: -np.nan_to_num(item[1].share(side), nan=np.inf))
    return listed([each.told(name, side) for name, each in worst])


def _one_sided(channel: str, events: dict[str, Contents], side: Side, counted: bool) -> Iterator[Finding]:
    """Events outside that the data have and no template has, or the other way round, which hints at unlike fills."""
    observed = events[OBSERVED].outside(side) if OBSERVED in events else 0.0
    templates = {name: each.outside(side) for name, each in events.items() if name != OBSERVED}
    name, most = max(templates.items(), key=lambda item: item[1], default=("", 0.0))
    if observed > 0 and not any(templates.values()):
        what, others = f"the data have {observed:.4g} events, but no template has any", "templates"
    elif OBSERVED in events and observed == 0 and most >= EXPECTED:
        what, others = f"templates have up to {most:.4g} events ({name}), but the data have none", "data"
    else:
        return
    fear = "were dropped when they were filled" if counted else f"are in the {side.bin_name} already"
    yield Finding(
        DOUBT,
        f"one-sided-{side.name}",
        f"channel {channel!r}",
        f"{side.where} {what}. If those of the {others} {fear}, the limit is wrong: fill all histograms in one way",
    )
