"""Parts of configurations with the defaults of what they do not say, as the workflow gives them to its steps."""

from muscan.config.schema import complete


def complete_model(model: dict) -> dict:
    """A model of the block `models`."""
    return complete({"models": {"m": model}, "analyses": {}})["models"]["m"]
