"""Rules can be read: they name every option of their scripts."""

import re
from importlib import import_module
from typing import NamedTuple

import pytest

from muscan.base.versions import ROOT

# Options for people, which have the right defaults for rules.
FOR_PEOPLE = {
    "report": {"--manifest", "--embed"},
}


class Rule(NamedTuple):
    """What the text of a rule says of its command."""

    script: str
    options: list[str]


def rules() -> dict[str, Rule]:
    """All rules with a command; one that inherits the command of another has its options."""
    found: dict[str, Rule] = {}
    for file in sorted((ROOT / "rules").glob("*.smk")):
        parts = re.split(r"^ *(use rule (\w+) as (\w+) with|rule ?(\w*)):$", file.read_text(), flags=re.MULTILINE)
        for _, parent, heir, name, text in zip(*(parts[i::5] for i in range(1, 6)), strict=True):
            script = re.search(r'code\("(\w+)\.py"', text)
            own = re.findall(r'" (--[a-z-]+)[ =]', text)
            if parent:
                found[heir] = Rule(script[1] if script else found[parent].script, found[parent].options)
            else:
                found[name or "pack"] = Rule(script[1], own)
    return found


@pytest.mark.parametrize("name", rules())
def test_a_rule_names_every_option_of_its_script_once(name):
    script, options = rules()[name]
    parser = import_module(script).parser()
    known = {action.option_strings[0] for action in parser._actions} - {"-h"} - FOR_PEOPLE.get(script, set())
    assert sorted(options) == sorted({*known, "--log"})


@pytest.mark.parametrize("name", [name for name in rules() if (ROOT / "scripts" / f"{name}.py").exists()])
def test_a_rule_runs_the_script_of_its_name(name):
    """A rule that inherits from another one inherits its command too, and has to name its own script."""
    assert rules()[name].script == name


@pytest.mark.parametrize("file", sorted((ROOT / "rules").glob("*.smk")), ids=lambda file: file.name)
def test_a_command_uses_what_a_module_sees(file):
    """In a module, a shell command sees parameters, inputs and the like, but not the globals of its rules."""
    names = set(re.findall(r"\{(\w+)[^{}]*:q\}", file.read_text()))
    assert names <= {"input", "output", "params", "wildcards", "log"}
