"""The parsers of commands, and the list of commands."""

import argparse
import ast
from pathlib import Path

PROGRAM = "python scripts/muscan"
COMMANDS = (
    "captions",
    "check",
    "check_text",
    "crate",
    "document",
    "document_site",
    "forecast",
    "init",
    "jobs",
    "limits",
    "read_datasets",
    "reproduce",
    "rule_graph",
    "serve",
    "simulate_grid",
    "verify",
)


def command_parser(module: str, text: str | None) -> argparse.ArgumentParser:
    """Return a parser for a command, without options.

    Args:
        module: the full name of the command's module.
        text: the docstring of the module.
    """
    return argparse.ArgumentParser(prog=f"{PROGRAM} {module.rpartition('.')[2]}", description=text)


def list_commands() -> str:
    """Return a line for each of COMMANDS: its name, and the first line of its module's docstring."""
    lines = []
    for name in COMMANDS:
        source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")  # an import would take seconds
        text = ast.get_docstring(ast.parse(source)) or ""
        lines.append(f"  {name:<15} {text.splitlines()[0]}")
    return "\n".join(lines)
