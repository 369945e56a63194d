"""Histograms: drawn, read from CSV, ROOT and counts, and what is said about files that cannot be read."""

import json
from string import ascii_letters, punctuation

import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import expon, norm, uniform

import read_histograms
import simulate
from muscan.base.errors import InputError
from muscan.inputs import histograms
from muscan.inputs import read_histograms as read_histograms_library
from muscan.inputs import simulation as simulate_library
from muscan.inputs.histograms import Histograms
from muscan.inputs.root_histograms import histograms_from_root

# --- Simulation


@pytest.mark.parametrize("name", ["original", "mismatched"])
def test_default_question_is_drawn_byte_for_byte(name, default_config, seed_question, tmp_path):
    output = tmp_path / "histograms.csv"
    simulate.main(["--spec", json.dumps(default_config["datasets"][name]["simulate"]), "--output", str(output)])
    assert output.read_bytes() == (seed_question / f"{name}.csv").read_bytes()


SHAPES = [
    ({"shape": "uniform", "low": -1, "high": 3}, uniform(-1, 4)),
    ({"shape": "normal", "mean": 1, "width": 0.5}, norm(1, 0.5)),
    ({"shape": "exponential", "scale": 2, "low": 0}, expon(0, 2)),
    ({"shape": "exponential", "scale": 2, "low": -1}, expon(-1, 2)),
]


@pytest.mark.parametrize(("shape", "distribution"), SHAPES)
def test_shapes_have_their_distributions(shape, distribution):
    number, edges = 100_000, [-1, 0, 0.5, 1, 2.5, 4]
    component = shape | {"expected": number, "observed": number}
    drawn = simulate_library.simulate({"seed": 3, "bins": edges, "components": {"c": component}}).columns["channel"]
    probability = np.diff(distribution.cdf(edges))
    width = np.sqrt(number * probability * (1 - probability))
    for column in ("c", "observed"):
        assert np.all(np.abs(drawn[column] - number * probability) <= 4 * width)
    assert not np.array_equal(drawn["c"], drawn["observed"])


@pytest.mark.parametrize(("shape", "distribution"), SHAPES)
def test_shapes_have_their_moments(shape, distribution):
    number, parameters = 100_000, {name: value for name, value in shape.items() if name != "shape"}
    events = simulate_library.SHAPES[shape["shape"]](**parameters)(np.random.RandomState(4), number)
    assert len(events) == number
    assert events.mean() == pytest.approx(distribution.mean(), abs=4 * distribution.std() / np.sqrt(number))
    assert events.std() == pytest.approx(distribution.std(), rel=0.02)


def test_every_shape_is_tested():
    assert {shape["shape"] for shape, _ in SHAPES} == set(simulate_library.SHAPES)


def test_drawing_order():
    """Expected events from the last component to the first, observed ones from the first to the last, one stream."""
    flat = {"shape": "uniform", "low": 0, "high": 1}
    components = {"a": flat | {"expected": 3, "observed": 2}, "b": flat | {"expected": 4, "observed": 5}}
    drawn = simulate_library.simulate({"seed": 7, "bins": [0, 0.3, 1], "components": components}).columns["channel"]
    stream = np.random.RandomState(7).random_sample(14)
    below = [int((part < 0.3).sum()) for part in np.split(stream, [4, 7])]
    assert [drawn["b"][0], drawn["a"][0], drawn["observed"][0]] == below
    assert [drawn[name].sum() for name in ("a", "b", "observed")] == [3, 4, 7]


def test_bin_edges():
    np.testing.assert_array_equal(simulate_library.parse_bin_edges([0, 1, 2.5]), [0, 1, 2.5])
    np.testing.assert_allclose(
        simulate_library.parse_bin_edges({"number": 4, "low": -1, "high": 1}), [-1, -0.5, 0, 0.5, 1]
    )


# --- CSV


def equal(left: Histograms, right: Histograms) -> bool:
    return (
        list(left.edges) == list(right.edges)
        and all(np.array_equal(left.edges[channel], right.edges[channel]) for channel in left.edges)
        and {channel: sorted(columns) for channel, columns in left.columns.items()}
        == {channel: sorted(columns) for channel, columns in right.columns.items()}
        and all(
            np.array_equal(values, right.columns[channel][name])
            for channel, columns in left.columns.items()
            for name, values in columns.items()
        )
    )


NUMBERS = st.floats(-1e12, 1e12)
WORDS = st.text(ascii_letters + punctuation + "µ", min_size=1, max_size=8).filter(
    lambda name: name not in ("channel", "bin_low", "bin_high", "observed")
)


@st.composite
def any_histograms(draw) -> Histograms:
    names, edges, columns = draw(st.lists(WORDS, unique=True, max_size=3)), {}, {}
    for channel in draw(st.lists(WORDS, unique=True, min_size=1, max_size=3)):
        edges[channel] = np.sort(draw(st.lists(NUMBERS, unique=True, min_size=2, max_size=5)))
        bins = len(edges[channel]) - 1
        mine = [name for name in names if draw(st.booleans())]
        columns[channel] = {name: np.array(draw(st.lists(NUMBERS, min_size=bins, max_size=bins))) for name in mine}
        counts = draw(st.lists(st.integers(0, 10**9), min_size=bins, max_size=bins))
        columns[channel]["observed"] = np.array(counts, dtype=float)
    return Histograms(edges, columns)


@given(any_histograms())
def test_what_is_written_is_read(tmp_path_factory, original):
    file = tmp_path_factory.mktemp("csv") / "histograms.csv"
    histograms.write_histograms(file, original)
    assert equal(histograms.read_histograms(file), original)


def test_a_single_channel_needs_no_column_for_it(tmp_path, seed_question):
    read = histograms.read_histograms(seed_question / "original.csv")
    assert list(read.edges) == [histograms.DEFAULT_CHANNEL]
    np.testing.assert_array_equal(read.edges["channel"], np.linspace(0, 10, 21))
    assert {name: values.sum() for name, values in read.columns["channel"].items()} == {
        "signal": 44,
        "background": 2000,
        "observed": 2079,
    }
    histograms.write_histograms(tmp_path / "again.csv", read)
    assert (tmp_path / "again.csv").read_bytes() == (seed_question / "original.csv").read_bytes()


def test_tolerated_habits_of_spreadsheets(tmp_path):
    """A byte order mark, Windows line ends, blank lines, spaces, empty lines of commas."""
    file = tmp_path / "mine.csv"
    file.write_bytes(b"\xef\xbb\xbfbin_low, bin_high ,s,observed\r\n0,1, 2.5,3\r\n\r\n,,,\r\n1,2,4,5\r\n")
    read = histograms.read_histograms(file)
    np.testing.assert_array_equal(read.edges["channel"], [0, 1, 2])
    np.testing.assert_array_equal(read.columns["channel"]["s"], [2.5, 4])


def test_an_empty_cell_means_that_the_channel_lacks_the_template(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("channel,bin_low,bin_high,s,b,observed\nSR,0,1,2,3,4\nCR,0,1,,5,6\n")
    read = histograms.read_histograms(file)
    assert list(read.columns["SR"]) == ["s", "b", "observed"]
    assert list(read.columns["CR"]) == ["b", "observed"]


HEADER = "bin_low,bin_high,s,observed\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("bin_low,bin_high,s\n", "the header line lacks the column observed; it reads 'bin_low,bin_high,s'"),
        (
            "bin_low;bin_high;s;observed\n0;1;2;3\n",
            "the header line lacks the columns bin_low, bin_high, observed; "
            "it reads 'bin_low;bin_high;s;observed'; cells are separated by commas",
        ),
        (
            "bin_low\tbin_high\tobserved\n",
            "the header line lacks the columns bin_low, bin_high, observed; "
            "it reads 'bin_low\\tbin_high\\tobserved'; cells are separated by commas",
        ),
        ("bin_low,bin_high,s,s,observed\n", "the header line has two columns with the same name, 's'; "),
        (HEADER, "no bins"),
        (HEADER + "0,1,2\n", ", line 2: 3 cells, but the header has 4"),
        (
            HEADER + "0,1,2,5,3\n",
            ", line 2: 5 cells, but the header has 4; write numbers with a decimal point, not a comma",
        ),
        (HEADER + "0,1,2,3\n\n1,2,x,3\n", ", line 4, column s: 'x' is not a finite number"),
        (HEADER + "0,1,nan,3\n", ", line 2, column s: 'nan' is not a finite number"),
        (HEADER + "0,1,2,inf\n", ", line 2, column observed: 'inf' is not a finite number"),
        (
            HEADER + '0,1,"2,5",3\n',
            ", line 2, column s: '2,5' is not a finite number; write numbers with a decimal point, not a comma",
        ),
        (HEADER + "0,1,2,3\n1,2,,3\n", ", line 3, column s: '' is not a finite number"),
        (HEADER + ",1,2,3\n", ", line 2, column bin_low: '' is not a finite number"),
        (HEADER + "0,1,2,-3\n", ", line 2, column observed: -3 is negative"),
        (HEADER + "1,1,2,3\n", ", line 2: bins must follow one another without gaps, low edge first"),
        (HEADER + "0,1,2,3\n2,3,2,3\n", ", line 2: bins must follow one another without gaps, low edge first"),
        ("channel," + HEADER + "SR,0,1,2,3\nCR,0,1,2,\n", "channel 'CR' has no observed counts"),
    ],
)
def test_messages_name_file_line_and_column(tmp_path, text, message):
    file = tmp_path / "mine.csv"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        histograms.read_histograms(file)
    assert str(error.value).removeprefix(str(file)).removeprefix(": ").startswith(message)
    assert str(error.value).startswith(str(file))


def test_files_that_are_not_there_or_not_text(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        histograms.read_histograms(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00bin_low")
    with pytest.raises(InputError, match=r"binary\.csv: not text in UTF-8 \(byte 1\)"):
        histograms.read_histograms(tmp_path / "binary.csv")


# --- Counts


def test_a_counting_experiment_is_three_numbers():
    read = read_histograms_library.histograms_from_counts({"SR": {"signal": 2.5, "background": [4.1], "observed": 6}})
    np.testing.assert_array_equal(read.edges["SR"], [0, 1])
    assert {name: values.tolist() for name, values in read.columns["SR"].items()} == {
        "signal": [2.5],
        "background": [4.1],
        "observed": [6],
    }


def test_counts_of_different_lengths():
    with pytest.raises(InputError, match=r"channel 'SR': templates of different lengths: .*'s': 2.*'observed': 1"):
        read_histograms_library.histograms_from_counts({"SR": {"s": [1, 2], "observed": 3}})


# --- ROOT


def write_root(file, **objects):
    with uproot.recreate(file) as root:
        for name, value in objects.items():
            root[name.replace("__", "/")] = value


def weighted(edges, weights, positions) -> tuple:
    """A TH1 with sums of squared weights, and these sums computed here."""
    values = np.histogram(positions, edges, weights=weights)[0]
    squares = np.histogram(positions, edges, weights=np.square(weights))[0]
    # uproot's own way to describe a TH1, with under- and overflow
    axis = uproot.writing.identify.to_TAxis("xaxis", "", len(edges) - 1, edges[0], edges[-1], fXbins=np.asarray(edges))
    padded = [np.concatenate([[0], each, [0]]) for each in (values, squares)]
    entries = float(len(positions))
    th1 = uproot.writing.identify.to_TH1x(
        "h", "", padded[0], entries, values.sum(), squares.sum(), 0.0, 0.0, padded[1], axis
    )
    return th1, values, squares


EDGES = np.array([0.0, 1.0, 2.5, 4.0])


@pytest.fixture
def root_file(tmp_path):
    positions = np.array([0.5, 0.6, 1.5, 3.0, 3.5])
    th1, values, squares = weighted(EDGES, np.array([0.5, 1.5, 2.0, 0.25, 0.25]), positions)
    data = np.array([3.0, 2.0, 0.0])
    write_root(
        tmp_path / "mine.root",
        SR__signal=th1,
        SR__data=(data, EDGES),
        other=(data, EDGES + 1),
        two=np.histogram2d(positions, positions, bins=2),
        text="not a histogram",
    )
    return tmp_path / "mine.root", values, squares


def from_root(file, **names) -> Histograms:
    return histograms_from_root({"file": str(file), "channels": {"SR": {"observed": "SR/data", **names}}})


def test_root_histograms_with_weights(root_file):
    file, values, squares = root_file
    read = from_root(file, signal="SR/signal")
    np.testing.assert_array_equal(read.edges["SR"], EDGES)
    np.testing.assert_array_equal(read.columns["SR"]["signal"], values)
    np.testing.assert_allclose(read.columns["SR"]["signal_stat"], np.sqrt(squares))
    np.testing.assert_array_equal(read.columns["SR"]["observed"], [3, 2, 0])
    assert "observed_stat" not in read.columns["SR"]


def test_unweighted_root_histograms_have_poisson_uncertainties(root_file):
    read = from_root(root_file[0], background="SR/data")
    np.testing.assert_allclose(read.columns["SR"]["background_stat"], np.sqrt([3, 2, 0]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            {"s": "SR/signl"},
            r"mine\.root: no histogram 'SR/signl'; the file holds SR, SR/data, SR/signal, other, text, two",
        ),
        ({"s": "other"}, r"mine\.root: 'other' has other bins than .*mine\.root: 'SR/data': edge 1 is 1 against 0"),
        ({"s": "two"}, r"mine\.root: 'two' is not a one-dimensional histogram"),
        ({"s": "text"}, r"mine\.root: 'text' is not a one-dimensional histogram"),
        ({"s": "SR"}, r"mine\.root: 'SR' is not a one-dimensional histogram"),
        (
            {"s": "SR/signal", "s_stat": "SR/signal"},
            "channel 'SR': a template cannot be called s_stat, the name of the statistical uncertainty of s",
        ),
    ],
)
def test_root_files_that_do_not_fit(root_file, names, message):
    with pytest.raises(InputError, match=message):
        from_root(root_file[0], **names)


def test_an_empty_root_file(tmp_path):
    (tmp_path / "mine.root").touch()
    with pytest.raises(InputError, match=r"mine\.root: the file is empty$"):
        from_root(tmp_path / "mine.root")


@pytest.mark.parametrize("content", [b"bin_low,bin_high\n", b"root" + bytes(50), b"root" + bytes(5000)])
def test_files_that_are_not_root(tmp_path, content):
    (tmp_path / "mine.root").write_bytes(content)
    with pytest.raises(
        InputError, match=r"mine\.root: (not a readable ROOT file|no histogram 'SR/data'; .* holds nothing)"
    ):
        from_root(tmp_path / "mine.root")


# --- The script


def test_script_writes_one_form(tmp_path, root_file):
    spec = {"root": {"file": str(root_file[0]), "channels": {"SR": {"s": "SR/signal", "observed": "SR/data"}}}}
    read_histograms.main(["--spec", json.dumps(spec), "--output", str(tmp_path / "out.csv")])
    assert (tmp_path / "out.csv").read_text().startswith("channel,bin_low,bin_high,observed,s,s_stat\n") or (
        tmp_path / "out.csv"
    ).read_text().startswith("channel,bin_low,bin_high,s,s_stat,observed\n")
    assert equal(histograms.read_histograms(tmp_path / "out.csv"), from_root(root_file[0], s="SR/signal"))


@pytest.mark.parametrize("kind", ["csv", "root"])
def test_failure_is_recorded_and_travels_on(tmp_path, kind):
    missing = str(tmp_path / "none")
    spec = {"csv": missing} if kind == "csv" else {"root": {"file": missing, "channels": {"SR": {"observed": "x"}}}}
    output = tmp_path / "out.csv"
    read_histograms.main(["--spec", json.dumps(spec), "--output", str(output)])
    record = json.loads(output.read_text())
    assert record["status"] == "failed"
    assert missing in record["reason"]
    with pytest.raises(Exception, match="none") as error:
        histograms.read_histograms(output)
    assert str(error.value) == record["reason"]


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("bin_low,bin_high,s,observed\n0,1,x,2\n1,2,3,-4\n2.5,3,nan,1\n")
    with pytest.raises(InputError) as error:
        histograms.read_histograms(path)
    told = str(error.value)
    assert [told.count(f"line {line}") for line in (2, 3, 4)] == [1, 2, 1]
    for words in ("'x' is not a finite number", "-4 is negative", "without gaps", "'nan' is not a finite number"):
        assert words in told
