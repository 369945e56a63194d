"""Say how many jobs of each rule a configuration needs, as JSON; nothing is run."""

import argparse
import json
from pathlib import Path

from muscan.run.job_counts import job_counts


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--configfile", type=Path, required=True)
    parse.add_argument("--directory", type=Path, default=Path(), help="where the run would be; results there stay")
    args = parse.parse_args(argv)
    print(json.dumps(job_counts(args.configfile, args.directory)))
