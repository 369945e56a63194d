"""The step that tests values of mu."""

from muscan.base.files import made_by, record_failure, write_json
from muscan.inference.signal_point import SignalFiles, load, run_tests, values_of_mu


def hypotest(output: str, files: SignalFiles, calculator: str, mu: list[float]) -> None:
    """Write one record, or a list of records if several values are tested; that of a failed test states the reason.

    Args:
        output: a JSON file.
        files: of the signal point.
        calculator: a key of CALCULATORS.
        mu: values to be tested; if empty, those that the step `fit` has chosen.
    """
    with record_failure(output):
        engine, prepared, result = load(files)
        values = values_of_mu(mu, result)
        provenance = made_by([files.model, files.fit])
        records = []
        for record in run_tests(engine, prepared, values, result, calculator):
            if record.status != "ok":
                print(f"mu = {record.mu:g}: {record.status}: {record.reason}")
            records.append(record.to_json() | {"made_by": provenance})
        write_json(output, records if len(records) > 1 else records[0])
