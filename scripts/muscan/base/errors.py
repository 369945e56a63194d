"""Exceptions that stop one signal only; the other signals of a run continue."""

from collections.abc import Iterator
from contextlib import contextmanager

from muscan.base.words import join_items


class StepError(Exception):
    """Base class of errors of one input or one fit. The message is written for the user."""


class InputError(StepError):
    """A file, workspace, patch or option cannot be used."""


class FitError(StepError):
    """A fit did not converge to a minimum that can be trusted."""


class Problems:
    """Collect all problems of one input and report them in a single error."""

    MOST = 10  # largest number of problems that the message lists; of further ones it gives only the number

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        """Add the description of one problem."""
        self._texts.append(text)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Collect an `InputError` that the `with` block raises, and continue behind the block."""
        try:
            yield
        except InputError as error:
            self.add(str(error))

    def raise_if_any(self) -> None:
        """Raise one error with all problems that were collected, each once.

        Raises:
            InputError: if there is at least one problem.
        """
        if self._texts:
            raise InputError(join_items(list(dict.fromkeys(self._texts)), self.MOST, "; "))
