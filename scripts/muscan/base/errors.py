"""Exceptions that stop one signal only; the other signals of a run continue."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from muscan.base.words import join_items, shorten

LONGEST_REASON = 2000  # characters of a recorded reason; Python's csv refuses cells of more than 131072


class StepError(Exception):
    """Base class of errors of one input or one fit. The message is written for the user."""


class InputError(StepError):
    """A file, workspace, patch or option cannot be used.

    Attributes:
        text: what is wrong.
        places: names of files or signals in front of the text in the message.
    """

    def __init__(self, text: str = "", places: Sequence[str] = ()) -> None:
        super().__init__(f"{', '.join(places)}: {text}" if places else text)
        self.text, self.places = text, tuple(places)


class WrongFileError(InputError):
    """A file is of another kind than the one that an option or a step needs."""


class FitError(StepError):
    """A fit did not converge to a minimum that can be trusted."""


def reason_of(error: Exception) -> str:
    """Return the message of an error as a reason to be recorded, with at most `LONGEST_REASON` characters and "..."."""
    return shorten(str(error), LONGEST_REASON)


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
