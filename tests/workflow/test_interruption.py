"""What happens to results when a run is killed, a disk is full, or somebody changes them."""

import base64
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from helpers.workflow import clone, contents, copy, environment, planned, snakemake, with_toys, write_config
from muscan.run import existing_results

KILLS = 20 if "MUSCAN_STUDY" in os.environ else 2
SIGNAL = Path("results", "locked", "signal")


@pytest.fixture(scope="module")
def question(default_config) -> dict:
    """Both calculators, a picture of each, and pictures in a folder."""
    whole = with_toys(default_config)
    return whole | {"scan": whole["scan"] | {"mu": [0.1, 0.3, 1.0], "plots": ["brazil", "yields"]}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, question) -> Path:
    """A run that nothing happened to; tests that change something work on a copy."""
    folder = clone(tmp_path_factory.mktemp("interruption") / "run")
    write_config(folder, question)
    snakemake(folder)
    return folder


@pytest.fixture
def changed(finished, tmp_path) -> Path:
    return copy(finished, tmp_path / "changed")


class Killed:
    """A run that is killed again and again, and always continued."""

    def __init__(self, folder: Path, question: dict):
        self.folder = clone(folder)
        write_config(self.folder, question)

    def run(self, seconds: float) -> bool:
        """Run, and kill Snakemake and its jobs after some time; whether it ended before that."""
        process = self.start()
        try:
            assert process.wait(seconds) == 0, (self.folder / "output.txt").read_text()
        except psutil.TimeoutExpired:
            self.kill(process)
            return False
        return True

    def start(self) -> psutil.Popen:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "test.yaml"]
        with (self.folder / "output.txt").open("a") as output:
            return psutil.Popen(command, cwd=self.folder, env=environment(), stdout=output, stderr=output)

    def kill(self, process: psutil.Popen) -> None:
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()

    def finished_work(self) -> dict[str, int]:
        """{file: time of modification} of the results whose jobs Snakemake has seen end."""
        state = self.folder / ".snakemake"
        incomplete = {decoded(path, state / "incomplete") for path in files(state / "incomplete")}
        complete = {decoded(path, state / "metadata") for path in files(state / "metadata")} - incomplete
        return {name: (self.folder / name).stat().st_mtime_ns for name in complete if (self.folder / name).is_file()}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def decoded(path: Path, folder: Path) -> str:
    """The result of which a record of Snakemake speaks: long names are cut into folders that begin with @."""
    return base64.urlsafe_b64decode("".join(part.removeprefix("@") for part in path.relative_to(folder).parts)).decode()


def test_killed_at_random_moments(finished, tmp_path, question):
    """After all kills the results are those of an undisturbed run, and nothing that was finished was made again."""
    rng = random.Random(4)
    expected, kills, runs, kept = contents(finished), 0, 0, 0
    while kills < KILLS:
        run, done = Killed(tmp_path / f"run_{runs}", question), {}
        runs += 1
        while not run.run(rng.uniform(0.5, 12) if kills < KILLS else 600):
            kills += 1
            kept += len(done)
            done |= run.finished_work()
            snakemake(run.folder, "--unlock")
        now = run.finished_work()
        assert {name: now[name] for name in done} == done
        assert contents(run.folder) == expected
        shutil.rmtree(run.folder)
    print(f"{kills} kills in {runs} runs of {len(expected)} files; {kept} times a finished file was kept")


def damaged(folder: Path, name: str, content: bytes | None) -> None:
    """Replace a result; None removes it."""
    path = folder / name
    if content is None:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    else:
        path.write_bytes(content)


DAMAGES = [
    lambda content: content[: len(content) // 2],
    lambda content: b"",
    lambda content: random.Random(0).randbytes(len(content)),
    lambda content: content.replace(b"1", b"2", 1),
    lambda content: None,
]
FILES = {
    "histograms": "results/datasets/mismatched/histograms.csv",
    "workspace": SIGNAL / "workspace.json",
    "model": SIGNAL / "model.npz",
    "fit": SIGNAL / "fit.json",
    "hypotest": SIGNAL / "asymptotics/hypotest/mu_0.3.json",
    "limits": SIGNAL / "asymptotics/limits.json",
    "picture": SIGNAL / "asymptotics/plots/brazil.png",
    "picture in a folder": SIGNAL / "asymptotics/plots/yields/channel_postfit.pdf",
    "plan of toys": SIGNAL / "toybased/plan_0.json",
    "job of toys": SIGNAL / "toybased/jobs/round_0_part_1_of_2.json",
    "limits from toys": SIGNAL / "toybased/limits.json",
    "table": "results/limits.csv",
    "markdown": "results/limits.md",
    "manifest": "results/manifest.json",
}


def damage_all(folder: Path, first: int) -> None:
    """All kinds at once: cut off, empty, garbage, another digit, deleted; the old time does not hide it."""
    damages = itertools.cycle([*DAMAGES[first:], *DAMAGES[:first]])
    for name, damage in zip(FILES.values(), damages, strict=False):
        path = folder / name
        times = path.stat()
        damaged(folder, name, damage(path.read_bytes()))
        if path.exists():
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("first", range(len(DAMAGES)))
def test_every_damage_is_seen(changed, finished, monkeypatch, first):
    """Before a run what is not as it was written goes, and nothing else but the list of results, and folders whole."""
    damage_all(changed, first)
    monkeypatch.chdir(changed)
    list(existing_results.remove_broken())
    before, after = contents(finished), contents(changed)
    gone = {name for name in before if not name.startswith("results/.sha256/")} - set(after)
    assert gone == {name for name in before if name in {str(each) for each in FILES.values()} or "/yields/" in name}
    assert after.items() <= before.items()


def test_damaged_results_are_made_again(changed, finished):
    damage_all(changed, 0)
    result = snakemake(changed)
    assert contents(changed) == contents(finished)
    assert "locked/signal/workspace.json was cut off, edited or replaced: it will be made again" in result.stderr


@pytest.mark.parametrize("name", FILES)
def test_one_deleted_result_is_missed(changed, monkeypatch, name):
    """Not only those that something else needs: the list of results is made again, and with it what it lists."""
    damaged(changed, FILES[name], None)
    monkeypatch.chdir(changed)
    list(existing_results.remove_broken())
    assert not (changed / "results" / "manifest.json").exists()


def test_deleted_toys_are_thrown_again_and_leftovers_of_the_dead_removed(changed, finished):
    """Leftovers are half-written files of killed jobs; those of the living stay."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = os.uname().nodename
    for pid, name in ((dead.pid, "gone"), (os.getpid(), "stays")):
        (changed / SIGNAL / f".part-{host}-{pid}-{name}.json").write_text("half")
    for name in ("mu_0.3/signal_1.npz", "free/0.npz"):
        (changed / SIGNAL / "toybased" / "toys" / name).unlink()
    shutil.rmtree(changed / SIGNAL / "toybased" / "toys" / "mu_1")
    snakemake(changed)
    (stays,) = (changed / SIGNAL).glob(".part-*")
    assert stays.name.rpartition("-")[2] == "stays.json"
    stays.unlink()
    assert contents(changed) == contents(finished)


def test_all_toys_may_be_deleted(changed):
    shutil.rmtree(changed / SIGNAL / "toybased" / "toys")
    assert planned(changed) == {}
    (changed / "results" / "limits.csv").unlink()
    snakemake(changed)
    assert not (changed / SIGNAL / "toybased" / "toys").exists()


def test_result_of_another_signal(changed, finished, question):
    """A valid file in the place of another one."""
    more = question | {"analyses": question["analyses"] | {"other": {"dataset": "mismatched", "model": "floating"}}}
    write_config(changed, more)
    snakemake(changed, "results/other/signal/fit.json")
    for name in ("workspace.json", "model.npz", "fit.json"):
        shutil.copy2(changed / "results" / "other" / "signal" / name, changed / SIGNAL / name)
    shutil.rmtree(changed / "results" / "other")
    shutil.rmtree(changed / "results" / ".sha256" / "other")
    write_config(changed, question)
    snakemake(changed)
    assert contents(changed) == contents(finished)


def test_damage_during_a_run_is_named(changed):
    """A step that reads a damaged result says so, and writes nothing."""
    (changed / SIGNAL / "fit.json").write_text((changed / SIGNAL / "fit.json").read_text().replace("1", "2"))
    command = [sys.executable, "scripts/invert.py", "--model", SIGNAL / "model.npz", "--fit", SIGNAL / "fit.json"]
    command += ["--hypotest", SIGNAL / FILES["hypotest"].relative_to(SIGNAL), "--output", "limits.json"]
    command += [
        "--calculator",
        "asymptotics",
        "--confidence-level",
        "0.95",
        "--check-asymptotics",
        "auto",
        "--seed",
        "0",
    ]
    result = subprocess.run(command, cwd=changed, env=environment(), capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == (
        "failed: results/locked/signal/fit.json was cut off, edited or replaced since it was written; "
        "run again to recreate it\n"
    )
    assert not (changed / "limits.json").exists()


def test_another_run_is_left_alone(changed):
    """While Snakemake has the folder, nothing in it is removed."""
    locks = changed / ".snakemake" / "locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("something\n")
    (changed / SIGNAL / "fit.json").write_text("half of the n")
    snakemake(changed, "-n")
    assert (changed / SIGNAL / "fit.json").read_text() == "half of the n"


def test_script_that_is_terminated_leaves_nothing(changed):
    """A batch system says SIGTERM first: what is half written goes, what was there stays."""
    before = contents(changed)
    script = "import sys, time; sys.path[:0] = ['scripts']; from muscan.base import files, script\n"
    script += "def main(argv):\n    with files.atomic_write('results/limits.csv') as part:\n"
    script += "        part.write_text('half'); print('here', flush=True); time.sleep(60)\nscript.run(main)\n"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=changed, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"here\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 128 + signal.SIGTERM
    process.stdout.close()
    assert contents(changed) == before


needs_mounts = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def mount(tmp_path):
    """A function that mounts something in an empty folder, until the end of the test."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mounted(*options: str) -> Path:
        result = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
        if result.returncode:
            pytest.skip(f"nothing can be mounted here: {result.stderr}")
        return folder

    yield mounted
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


@needs_mounts
def test_full_disk(mount, tmp_path, finished, question):
    """The run ends with a message; with more room it goes on, to the same results."""
    disk = mount("-t", "tmpfs", "-o", "size=150k", "tmpfs")
    folder = clone(tmp_path / "run")
    write_config(folder, question)
    (folder / "results").symlink_to(disk, target_is_directory=True)
    result = snakemake(folder, check=False)
    assert result.returncode != 0
    assert "No space left on device" in result.stdout + result.stderr
    assert "make room and run again" in " ".join((result.stdout + result.stderr).split())
    subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
    snakemake(folder)
    assert contents_of(folder) == contents(finished)


def contents_of(folder: Path) -> dict[str, str]:
    """With the results behind a link."""
    target = (folder / "results").resolve()
    (folder / "results").unlink()
    shutil.copytree(target, folder / "results")
    return contents(folder)


@needs_mounts
def test_read_only_results(mount, changed):
    (changed / "results" / "limits.csv").unlink()
    before = contents(changed)
    folder = mount("--bind", str(changed))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    result = snakemake(folder, check=False)
    assert result.returncode != 0
    assert f"muscan cannot write here: results, logs, benchmarks, .snakemake (in {folder})" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert contents(changed) == before


def test_results_without_records_of_another_version(changed):
    """Results that were copied here without Snakemake's records, made by other code: that is said."""
    shutil.rmtree(changed / ".snakemake")
    with (changed / "scripts" / "muscan" / "commands" / "verify.py").open("a") as script:
        script.write("# another version\n")
    result = snakemake(changed, "-n")
    assert "may be of another version of muscan, and Snakemake has no record of them" in result.stderr


def test_unlocking_is_all_that_a_killed_run_needs(tmp_path, question):
    """Without it the message says what to do; with it Snakemake has nothing against another run."""
    run = Killed(tmp_path / "run", question)
    process, deadline = run.start(), time.monotonic() + 120
    while not files(run.folder / "logs") and time.monotonic() < deadline:  # from the first step on it is locked
        time.sleep(0.05)
    run.kill(process)
    result = snakemake(run.folder, check=False)
    assert result.returncode != 0
    assert "--unlock" in result.stdout + result.stderr
    snakemake(run.folder, "--unlock")
    snakemake(run.folder, "results/locked/signal/workspace.json")
