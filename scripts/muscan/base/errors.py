"""What can go wrong in a way that belongs to one signal, and must not stop the others."""

from collections.abc import Iterator
from contextlib import contextmanager

from muscan.base.words import listed


class StepError(Exception):
    """A problem of one input or one fit, with a message for the user."""


class InputError(StepError):
    """A file, workspace, patch or option that cannot be used."""


class Problems:
    """Several problems of one file, told together."""

    MOST = 10  # that are told

    def __init__(self):
        self._texts: list[str] = []

    def note(self, text: str) -> None:
        self._texts.append(text)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Go on after the block, whatever problem of the input it finds."""
        try:
            yield
        except InputError as error:
            self.note(str(error))

    def end(self) -> None:
        """Raise an InputError if there were problems."""
        if self._texts:
            raise InputError(listed(list(dict.fromkeys(self._texts)), self.MOST, "; "))


class FitError(StepError):
    """A fit without a trustworthy minimum."""
