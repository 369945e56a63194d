"""Convert limits on the signal strength into limits on the cross section, in the unit of the prediction."""

import argparse
import csv

LIMITS = ("observed_limit", "expected")


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--limits", required=True, help="limits.csv of muscan")
    parse.add_argument("--predicted", type=float, required=True, help="cross section for mu = 1")
    parse.add_argument("--output", required=True)
    args = parse.parse_args()
    with open(args.limits, newline="") as file, open(args.output, "w", newline="") as output:
        rows = csv.writer(output)
        rows.writerow(["analysis", "signal", "status", *LIMITS])
        for row in csv.DictReader(file):
            # A limit that does not exist is empty; the status says why.
            limits = [float(row[name]) * args.predicted if row[name] else "" for name in LIMITS]
            rows.writerow([row["analysis"], row["signal"], row["status"], *limits])


if __name__ == "__main__":
    main()
