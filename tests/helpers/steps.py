"""Scripts of steps, run as rules run them: options that a test does not care about have the defaults of the schema."""

from types import ModuleType

from muscan.base.json_input import MAX_MEGABYTES
from muscan.config.settings import INTERPOLATION_DEFAULTS, SCAN_DEFAULTS, TOY_DEFAULTS

DEFAULTS = SCAN_DEFAULTS | TOY_DEFAULTS | INTERPOLATION_DEFAULTS
DEFAULTS |= {"calculator": "asymptotics", "max_megabytes": MAX_MEGABYTES}


def run_step(script: ModuleType, words: list[str]) -> None:
    """Run a script of a step with these words and the options that it needs besides."""
    script.main(completed(script, words))


def completed(script: ModuleType, words: list[str]) -> list[str]:
    """A command line with all options that the script requires."""
    missing = [
        (option, action.dest)
        for action in script.parser()._actions
        for option in action.option_strings[:1]
        if action.required and option not in words and action.dest in DEFAULTS
    ]
    return [*(word for option, name in missing for word in (option, str(DEFAULTS[name]))), *words]
