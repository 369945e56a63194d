"""Command line options are defined by dataclasses of settings; an option without a value has its default."""

import argparse
from dataclasses import dataclass

import pytest

from muscan.base.options import add_options, option, settings_of


@dataclass(frozen=True)
class Settings:
    model: dict = option("JSON", keys=("x",))
    kind: str = option("one of two", ("a", "b"))
    level: float = option("a number")
    bound: float | None = option("may be missing")
    blind: bool = option("a flag")
    names: list[str] = option("several")
    part: int = option("with a default", default=3)
    show: list[float] = option("none or several", default_factory=list)
    tests: bool = option("true unless said otherwise", default=True)


NEEDED = ["--model", '{"x": [1]}', "--kind", "a", "--level", "0.9", "--names", "one", "t w o"]
DEFAULTS = {"bound": None, "blind": False, "part": 3, "show": [], "tests": True}


def parsed(*words: str) -> Settings:
    parse = argparse.ArgumentParser()
    add_options(parse, Settings)
    return settings_of(parse.parse_args([*NEEDED, *words]), Settings)


def test_types_and_defaults():
    assert vars(parsed()) == {"model": {"x": [1]}, "kind": "a", "level": 0.9, "names": ["one", "t w o"], **DEFAULTS}


@pytest.mark.parametrize(
    "words", [["--bound"], ["--bound="], ["--part"], ["--part="], ["--show"], ["--bound", "--show"]]
)
def test_an_option_without_a_value_has_its_default(words):
    assert vars(parsed(*words)) == vars(parsed())


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--bound", "2"], "bound", 2.0),
        (["--bound=-1e-5"], "bound", -1e-5),
        (["--part", "0"], "part", 0),
        (["--show", "1", "2.5"], "show", [1.0, 2.5]),
        (["--blind"], "blind", True),
        (["--blind", "True"], "blind", True),
        (["--blind", "false"], "blind", False),
        (["--tests", "False"], "tests", False),
        (["--kind", "b"], "kind", "b"),
    ],
)
def test_values(words, name, value):
    assert getattr(parsed(*words), name) == value


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--blind", "yes"], "argument --blind: 'yes' is neither true nor false"),
        (["--bound", "x"], "argument --bound: invalid float value: 'x'"),
        (["--level"], "argument --level: expected one argument"),
        (["--names"], "argument --names: expected at least one argument"),
        (["--kind", "c"], "argument --kind: invalid choice: 'c'"),
        (["--model", "{x}"], "argument --model: not JSON: Expecting property name"),
        (["--model", "[1]"], "argument --model: needs a JSON object, has [1]"),
        (["--model", '{"y": 1}'], "argument --model: the JSON lacks 'x'"),
    ],
)
def test_what_is_no_value(words, problem, capsys):
    with pytest.raises(SystemExit):
        parsed(*words)
    assert problem in capsys.readouterr().err


def test_all_that_has_no_default_must_be_given(capsys):
    parse = argparse.ArgumentParser()
    add_options(parse, Settings)
    with pytest.raises(SystemExit):
        parse.parse_args([])
    assert "required: --model, --kind, --level, --names" in capsys.readouterr().err


def test_settings_that_are_not_needed_may_have_no_values():
    parse = argparse.ArgumentParser()
    add_options(parse, Settings, required=False)
    for words in ([], ["--model", "--kind", "--level", "--names"]):
        args = parse.parse_args(words)
        assert not any([args.model, args.kind, args.level, args.names])


def test_an_option_of_several_settings_is_one():
    @dataclass(frozen=True)
    class Others:
        level: float = option("a number")
        more: int = option("something else")

    parse = argparse.ArgumentParser()
    add_options(parse, Settings, Others)
    args = parse.parse_args([*NEEDED, "--more", "1"])
    assert settings_of(args, Others) == Others(0.9, 1)
