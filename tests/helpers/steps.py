"""Scripts of steps, run as rules run them: options that a test does not care about have the defaults of the schema."""

import json
from types import ModuleType

from helpers.configurations import complete_model
from muscan.config.schema import schema_at

BLOCKS = ("scan", "scan.toys", "scan.interpolation")
KEYS = {key: part for path in BLOCKS for key, part in schema_at(path)["properties"].items()}
DEFAULTS = {key: part["default"] for key, part in KEYS.items() if "default" in part} | {"calculator": "asymptotics"}
DEFAULTS |= {"max_megabytes": schema_at("datasets.<name>.workspace.max_megabytes")["default"]}
# What rules give although a script does not require it: with published files, and where limits decide the range of mu.
ALWAYS = ("max_megabytes", "confidence_level")


def run_step(script: ModuleType, words: list[str]) -> None:
    """Run a script of a step with these words and the options that it needs besides."""
    script.main(completed(script, words))


def completed(script: ModuleType, words: list[str]) -> list[str]:
    """A command line with all options that the rules of the workflow give it."""
    missing = [
        (option, action.dest)
        for action in script.parser()._actions
        for option in action.option_strings[:1]
        if (action.required or action.dest in ALWAYS) and option not in words and action.dest in DEFAULTS
    ]
    given = [_model(word) if option == "--model" else word for option, word in zip(["", *words], words, strict=False)]
    return [*(word for option, name in missing for word in (option, str(DEFAULTS[name]))), *given]


def _model(word: str) -> str:
    """A model as JSON, complete as rules give it; or the name of the file of a compiled one."""
    return json.dumps(complete_model(json.loads(word))) if word.startswith("{") else word
