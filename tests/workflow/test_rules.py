"""Rules can be read: they name every option of their scripts. Their environments have what the scripts import."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import packages_distributions, requires
from typing import NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from muscan.base.code import imported_modules
from muscan.base.versions import ROOT

sys.path.append(str(ROOT / "envs"))

import conda_pins

# Options for people, which have the right defaults for rules.
FOR_PEOPLE = {
    "report": {"--manifest", "--embed"},
}


class Rule(NamedTuple):
    """What the text of a rule says of its command."""

    script: str
    options: list[str]
    environment: str  # the name of its file


def rules() -> dict[str, Rule]:
    """All rules with a command; one that inherits the command of another has its options."""
    found: dict[str, Rule] = {}
    for file in sorted((ROOT / "rules").glob("*.smk")):
        parts = re.split(r"^ *(use rule (\w+) as (\w+) with|rule ?(\w*)):$", file.read_text(), flags=re.MULTILINE)
        for _, parent, heir, name, text in zip(*(parts[i::5] for i in range(1, 6)), strict=True):
            script = re.search(r'code\("(\w+)\.py"', text)
            own = re.findall(r'" (--[a-z-]+)[ =]', text)
            environment = re.search(r'"\.\./envs/(\w+)\.yaml"', text)
            if parent:
                first = found[parent]
                found[heir] = Rule(
                    script[1] if script else first.script,
                    first.options,
                    environment[1] if environment else first.environment,
                )
            else:
                found[name or "pack"] = Rule(script[1], own, environment[1])
    return found


@pytest.mark.parametrize("name", rules())
def test_a_rule_names_every_option_of_its_script_once(name):
    script, options, _ = rules()[name]
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


# Plots are imported by their names.
PLOTS = [f"muscan/plotting/{file.name}" for file in (ROOT / "scripts" / "muscan" / "plotting").glob("*.py")]
DISTRIBUTIONS = packages_distributions()
# The environment of no single stage: the manifest lists the versions of all packages.
EVERYTHING = "muscan"


def packages_of(name: str) -> set[str]:
    """The packages of other projects whose modules the script of a rule imports."""
    script = rules()[name].script
    files = imported_modules(f"{script}.py", *PLOTS * (script == "plot"))
    modules = {module for file in files for module in imports(ast.parse(file.read_bytes()))}
    return {canonicalize_name(DISTRIBUTIONS[module][0]) for module in modules - sys.stdlib_module_names - {"muscan"}}


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def pinned(environment: str) -> set[str]:
    """The packages of an environment that are installed with this version of Python and on this kind of machine."""
    content = yaml.safe_load((ROOT / "envs" / f"{environment}.yaml").read_text())
    found = [Requirement(line) for line in content["dependencies"][-1]["pip"]]
    return {canonicalize_name(each.name) for each in found if applies(each)}


def applies(requirement: Requirement) -> bool:
    """Whether a package is needed with this version of Python, on this kind of machine, and without extras."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def with_dependencies(packages: set[str]) -> set[str]:
    """Packages and all that they depend on, from what the installed packages say."""
    found, new = set(), set(packages)
    while new:
        found |= new
        needed = [Requirement(line) for name in new for line in requires(name) or []]
        new = {
            canonicalize_name(each.name) for each in needed if not each.marker or each.marker.evaluate({"extra": ""})
        }
        new -= found
    return found


@pytest.mark.parametrize("name", rules())
def test_the_environment_of_a_rule_has_all_that_its_script_imports(name):
    environment = rules()[name].environment
    if environment == EVERYTHING:
        assert name == "manifest"
    else:
        assert packages_of(name) <= set(conda_pins.ENVIRONMENTS[environment]) <= pinned(environment)


@pytest.mark.parametrize("environment", conda_pins.ENVIRONMENTS)
def test_the_environment_of_rules_has_nothing_that_none_of_them_needs(environment):
    imported = [packages_of(name) for name, rule in rules().items() if rule.environment == environment]
    assert set(conda_pins.ENVIRONMENTS[environment]) == set().union(*imported)
    assert pinned(environment) == with_dependencies(set(conda_pins.ENVIRONMENTS[environment]))
