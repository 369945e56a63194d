"""What can go wrong in a way that belongs to one signal, and must not stop the others."""


class StepError(Exception):
    """A problem of one input or one fit, with a message for the user."""


class InputError(StepError):
    """A file, workspace, patch or option that cannot be used."""


class FitError(StepError):
    """A fit without a trustworthy minimum."""
