"""Run a command of muscan: `python scripts/muscan COMMAND ...`; `make help` describes the commands."""

import sys
from importlib import import_module
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from muscan.base.script import run  # noqa: E402

from muscan.commands.parser import COMMANDS, PROGRAM, list_commands  # noqa: E402


def main() -> None:
    """Run the command that the first argument names."""
    if sys.argv[1:2] in (["-h"], ["--help"]):
        print(f"usage: {PROGRAM} COMMAND ...\n\ncommands:\n{list_commands()}")
        print(f"\n{PROGRAM} COMMAND --help describes the options of a command.")
        sys.exit()
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: {PROGRAM} COMMAND ..., where COMMAND is one of {', '.join(COMMANDS)}")
    run(import_module(f"muscan.commands.{sys.argv.pop(1)}").main)


if __name__ == "__main__":
    main()
