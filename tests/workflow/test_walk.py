"""The walk through the documents: what it finds wrong, and that links and exceptions are up to date."""

from pathlib import Path

import pytest

from helpers import walk

ROOT = Path(__file__).parents[2]
NOT_RUN = "make scan CONFIG=BkgOnly.yaml"
TEXT = """
Write `mine.csv`:

```csv
a,b
1,2
```

Then:

```bash
# first
make  scan CONFIG=mine.yaml   # a comment
echo "#1" \\
    two
```

and [a link](#a-heading), `[no](link)`.

# A `heading`!

It is 0.95.
"""


def test_parts_of_a_document():
    blocks = [part for part in walk.parts(TEXT) if isinstance(part, walk.Block)]
    assert [(block.language, block.file) for block in blocks] == [("csv", "mine.csv"), ("bash", None)]
    assert blocks[0].text == "a,b\n1,2\n"
    assert walk.commands(blocks[1].text) == ["make  scan CONFIG=mine.yaml", 'echo "#1" two']


@pytest.mark.parametrize(
    ("value", "quoted", "same"),
    [
        ("0.7246", "0.72", True),
        ("0.7246", "0.73", False),
        ("4.66e-9", "4.7e-09", True),
        ("4.66e-9", "4.6e-09", False),
        ("0.099", "0.1", True),
        ("ok", "0.1", False),
        ("nan", "0.1", False),
    ],
)
def test_rounding(value, quoted, same):
    assert walk.rounds_to(value, quoted) == same


@pytest.fixture
def user(tmp_path) -> walk.Walk:
    (tmp_path / "clone").mkdir()
    return walk.Walk(tmp_path / "clone", tmp_path / "state")


def document(user: walk.Walk, text: str, name: str = "docs/tutorial.md") -> None:
    path = user.clone / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    user.document(name)


def test_a_document_that_holds(user, capsys):
    document(
        user,
        "Put into `a.csv`:\n\n```csv\nx\n```\n\n```bash\nexport N=3\ncd .\ncat a.csv; test $N = 3 && mkdir results\n"
        "echo limit > results/limits.csv; echo 1.2345 >> results/limits.csv; echo '  it is   1.23 '\n"
        f"{NOT_RUN}\n```\n\n"
        "```text\nit is 1.23\n```\n\nThe limit is 1.235, [see](#top) `9.99`.\n\n# Top\n",
    )
    assert (user.clone / "a.csv").read_text() == "x\n"
    assert user.met == {NOT_RUN}
    assert "not run: its files are an example" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```bash\nfalse\n```\n", "false: exit code 1"),
        ("```bash\necho why; exit 3\n```\n", "exit code 3\nwhy"),
        ("```bash\necho 1.5\n```\n```text\n1.6\n```\n", "does not print '1.6', but:\n1.5"),
        ("It is 1.5.\n", "no result so far has the number 1.5"),
        ("[x](none.md)\n", "links that lead nowhere: none.md"),
        ("![x](#none)\n", "links that lead nowhere: #none"),
        (
            "```bash\necho y > a.yaml\n```\n`a.yaml`:\n```yaml\nz\n```\n",
            "a.yaml is not what the document shows, but:\ny",
        ),
    ],
)
def test_documents_that_do_not_hold(user, text, problem):
    with pytest.raises(walk.Problem, match=problem.replace("(", r"\(")):
        document(user, text)


@pytest.mark.parametrize("name", walk.DOCUMENTS)
def test_links_of_the_documents(name):
    assert list(walk.unknown_links(ROOT / name)) == []


def test_every_command_that_is_not_run_is_in_a_document():
    blocks = (part for name in walk.DOCUMENTS for part in walk.parts((ROOT / name).read_text(encoding="utf-8")))
    known = [command for part in blocks if isinstance(part, walk.Block) for command in walk.commands(part.text)]
    assert set(walk.NOT_RUN) <= set(known)
