"""Errors that concern one signal only, so that the other signals of a run can go on."""

from collections.abc import Iterator
from contextlib import contextmanager

from muscan.base.words import join_items


class StepError(Exception):
    """A problem of one input or one fit. The message is written for the user."""


class InputError(StepError):
    """A file, workspace, patch or option cannot be used."""


class FitError(StepError):
    """A fit has found no minimum that can be trusted."""


class Problems:
    """Collect all problems of one input and report them in a single error."""

    MOST = 10  # problems in the message; of more, only their number is given

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        """Add the description of one problem."""
        self._texts.append(text)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Add an `InputError` of the block to the problems instead of raising it."""
        try:
            yield
        except InputError as error:
            self.add(str(error))

    def raise_if_any(self) -> None:
        """Report the problems that were collected, each once.

        Raises:
            InputError: if there is at least one.
        """
        if self._texts:
            raise InputError(join_items(list(dict.fromkeys(self._texts)), self.MOST, "; "))
