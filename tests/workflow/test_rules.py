"""Rules are commands that can be read and pasted: they name every option of their scripts, and need nothing else."""

import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from helpers import workflow
from helpers.workflow import contents, snakemake, write_config
from muscan.base.versions import ROOT

# Options for people, which have the right defaults for rules.
FOR_PEOPLE = {
    "tables": {"--results"},
    "compare_calculators": {"--results"},
    "grid_points": {"--results"},
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


def commands(folder: Path) -> list[str]:
    """The commands of all jobs, as Snakemake prints them."""
    said = snakemake(folder, "-n", "-p", "--workflow-profile", "none")
    return re.findall(r"^Shell command: (python .+)$", said.stdout + said.stderr, flags=re.MULTILINE)


STEPS = (
    "simulate",
    "build_workspace",
    "compile_model",
    "fit",
    "hypotest",
    "invert",
    "plan_toys",
    "throw_toys",
    "invert_toys",
)


def test_printed_commands_give_the_same_bytes_wherever_they_are_pasted(tmp_path, default_config):
    """In an environment without any variable but those of an activated environment."""
    config = workflow.with_toys(default_config)
    config["scan"] |= {"mu": [0.3, 1.0], "toys": {"per_hypothesis": 20, "block": 20, "jobs": 1}, "plots": []}
    ran, pasted = (workflow.clone(tmp_path / name) for name in ("ran", "pasted"))
    for folder in (ran, pasted):
        write_config(folder, config)
    printed = commands(pasted)
    assert len(printed) > len(STEPS)
    environment = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    for step in STEPS:
        mine = [command for command in printed if shlex.split(command)[1] == f"scripts/{step}.py"]
        assert mine, step
        for command in mine:
            subprocess.run(["bash", "-c", command], cwd=pasted, env=environment, check=True)
    snakemake(ran)
    made = contents(pasted)
    assert any(name.endswith("toybased/limits.json") for name in made)
    assert made == {name: digest for name, digest in contents(ran).items() if name in made}
