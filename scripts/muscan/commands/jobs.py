"""Print the number of jobs of each rule for a configuration, as JSON. Nothing is run."""

import argparse
import json
from pathlib import Path

from muscan.run.job_counts import job_counts


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--configfile", type=Path, required=True, help="configuration file")
    parse.add_argument(
        "--directory", type=Path, default=Path(), help="folder of the run; results in it reduce the number of jobs"
    )
    args = parse.parse_args(argv)
    print(json.dumps(job_counts(args.configfile, args.directory)))
