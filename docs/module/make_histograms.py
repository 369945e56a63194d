"""Write the histograms of an invented search: a falling background, and a signal in the middle."""

import argparse
import csv
import math

BINS = 6


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--signal", type=float, required=True, help="expected events of the signal")
    parse.add_argument("--background", type=float, required=True, help="expected events of the background")
    parse.add_argument("--output", required=True)
    args = parse.parse_args()
    shapes = {
        "signal": [math.exp(-0.5 * (number - 2.5) ** 2) for number in range(BINS)],
        "background": [math.exp(-number / 3) for number in range(BINS)],
    }
    events = {"signal": args.signal, "background": args.background}
    templates = {name: [events[name] * bin_ / sum(shape) for bin_ in shape] for name, shape in shapes.items()}
    with open(args.output, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["bin_low", "bin_high", *templates, "observed"])
        for number, (signal, background) in enumerate(zip(*templates.values(), strict=True)):
            rows.writerow([100 * number, 100 * (number + 1), signal, background, round(background)])


if __name__ == "__main__":
    main()
