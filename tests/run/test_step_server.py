"""Steps that a step server runs do what their scripts do in an interpreter of their own."""

from muscan.base.hand_over import ADDRESS

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.workflow import REPO, copy, heed_interrupts
from muscan.run import step_server

SIMULATE = str(REPO / "scripts" / "simulate.py")
SPEC = '{"seed": 0, "bins": {"number": 2, "low": 0, "high": 1}, "components": {"s": {"shape": "uniform", "low": 0,'
SPEC += ' "high": 1, "expected": 5, "observed": 5}}}'
WAIT = 20  # seconds at most for a process to end


def workflow(**changes):
    """What a run tells about itself: it is local, with neither conda nor benchmarks."""
    deployment = SimpleNamespace(deployment_method=changes.get("deployment_method", set()))
    output = SimpleNamespace(benchmark_extended=changes.get("benchmark_extended", False))
    main = changes.get("is_main_process", True)
    return SimpleNamespace(deployment_settings=deployment, output_settings=output, is_main_process=main)


def environment(**changes) -> dict[str, str]:
    """The environment of a job: pytest changes its own variable all the time."""
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"} | changes


@pytest.fixture
def server(monkeypatch):
    """A running server, whose address is in the environment."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setenv(ADDRESS, "of another run")
    monkeypatch.setattr(step_server, "_started", [])
    step_server.start(workflow())
    (process,) = step_server._started
    yield process
    process.stdin.close()
    assert process.wait(WAIT) == 0


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def slow_step(server, folder: Path) -> tuple[subprocess.Popen, int]:
    """A step that waits for a pipe to be opened, and the process that runs it in the server."""
    os.mkfifo(folder / "pipe")
    command = [sys.executable, SIMULATE, "--spec", SPEC, "--output", folder / "out.csv", "--log", folder / "pipe"]
    with (folder / "messages").open("w") as messages:
        client = subprocess.Popen(command, stderr=messages, env=environment(), preexec_fn=heed_interrupts)
    end = time.monotonic() + WAIT
    while not children(server.pid) and time.monotonic() < end:
        time.sleep(0.01)
    (step,) = children(server.pid)
    time.sleep(0.1)  # until it waits
    return client, step


def run(*args: str, **settings) -> subprocess.CompletedProcess:
    settings = {"env": environment()} | settings
    return subprocess.run([sys.executable, SIMULATE, *args], capture_output=True, text=True, timeout=WAIT, **settings)


def forked(server) -> int:
    """The page faults of the steps of a server that have ended: more after each step."""
    return int(Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[8])


def test_same_result_exit_code_and_messages(server, tmp_path, monkeypatch):
    wrong = ("--spec", "{}", "--output", "out.csv")
    right = ("--spec", SPEC, "--output", "out.csv", "--log", "logs/step.log")
    served = [run(*args, cwd=tmp_path) for args in (right, wrong, ("--help",), ("--unknown",))]
    assert (tmp_path / "logs" / "step.log").exists()
    content = (tmp_path / "out.csv").read_bytes()
    faults = forked(server)
    monkeypatch.delenv(ADDRESS)
    plain = [run(*args, cwd=tmp_path) for args in (right, wrong, ("--help",), ("--unknown",))]
    assert [(each.returncode, each.stdout, each.stderr) for each in served] == [
        (each.returncode, each.stdout, each.stderr) for each in plain
    ]
    assert [each.returncode for each in served] == [0, 1, 0, 2]
    assert content == (tmp_path / "out.csv").read_bytes()
    assert forked(server) == faults > 0  # the server has run the former, and only those


def test_server_refuses_a_step_with_another_environment(server):
    """The server has imported everything with its own; what Snakemake sets for each job may differ."""
    narrow = run("--help", env=environment(COLUMNS="40")).stdout
    assert max(map(len, narrow.splitlines())) <= 40
    assert forked(server) == 0
    assert run("--help", env=environment(OMP_NUM_THREADS="7", TMPDIR="/elsewhere")).returncode == 0
    assert forked(server) > 0


def test_interruption_reaches_the_step(server, tmp_path):
    client, _ = slow_step(server, tmp_path)
    client.send_signal(signal.SIGINT)
    assert client.wait(WAIT) == 130
    assert (tmp_path / "messages").read_text() == "interrupted\n"
    assert not children(server.pid)


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_step_ends_with_its_client(server, tmp_path, kill):
    client, _ = slow_step(server, tmp_path)
    client.send_signal(kill)
    assert client.wait(WAIT) == -kill
    end = time.monotonic() + WAIT
    while children(server.pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not children(server.pid)


def test_step_that_is_killed_fails_like_in_a_shell(server, tmp_path):
    client, step = slow_step(server, tmp_path)
    os.kill(step, signal.SIGKILL)
    assert client.wait(WAIT) == 128 + signal.SIGKILL


def test_step_runs_here_if_the_server_is_killed(server, tmp_path):
    client, _ = slow_step(server, tmp_path)
    server.kill()
    server.wait(WAIT)
    for _ in range(2):  # the step that is left, and the one of the client
        (tmp_path / "pipe").read_text()
    assert client.wait(WAIT) == 0
    assert (tmp_path / "out.csv").exists()
    assert run("--spec", SPEC, "--output", str(tmp_path / "again.csv")).returncode == 0
    server.returncode = 0  # for the fixture


def test_server_waits_for_its_steps_at_the_end(server, tmp_path):
    client, _ = slow_step(server, tmp_path)
    server.stdin.close()
    time.sleep(0.2)
    assert server.poll() is None
    (tmp_path / "pipe").read_text()
    assert client.wait(WAIT) == 0
    assert server.wait(WAIT) == 0
    assert not os.path.exists(os.path.dirname(os.environ[ADDRESS]))


def test_server_refuses_a_step_of_other_code(server, tmp_path):
    copy(REPO / "scripts", tmp_path / "scripts")
    script = tmp_path / "scripts" / "simulate.py"
    script.write_text(script.read_text().replace("if __name__", "main = print\nif __name__"))
    result = subprocess.run([sys.executable, script], env=environment(), capture_output=True, text=True, timeout=WAIT)
    assert (result.returncode, result.stdout) == (0, "[]\n")  # not what the server has imported
    assert forked(server) == 0


@pytest.mark.parametrize(
    "change", [{"deployment_method": {"conda"}}, {"benchmark_extended": True}, {"is_main_process": False}]
)
def test_no_server_where_jobs_need_interpreters_of_their_own(monkeypatch, change):
    monkeypatch.setenv(ADDRESS, "of another run")
    monkeypatch.setattr(step_server, "_started", [])
    step_server.start(workflow(**change))
    assert ADDRESS not in os.environ
    assert not step_server._started


def test_no_server_if_the_user_wants_none(monkeypatch):
    monkeypatch.setenv(ADDRESS, "off")
    monkeypatch.setattr(step_server, "_started", [])
    step_server.start(workflow())
    assert ADDRESS not in os.environ
    assert not step_server._started


def test_folder_of_a_killed_server_is_removed(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv(ADDRESS, "")
    for kill in (True, False):
        monkeypatch.setattr(step_server, "_started", [])
        step_server.start(workflow())
        (server,) = step_server._started
        (folder,) = tmp_path.iterdir()  # that of the former is no longer there
        assert os.environ[ADDRESS].startswith(str(folder))
        if kill:
            server.kill()
        server.stdin.close()
        server.wait(WAIT)
    assert not folder.exists()


def test_no_server_if_the_path_of_the_socket_is_too_long(monkeypatch, tmp_path):
    deep = tmp_path / ("a" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    monkeypatch.setattr(step_server, "_started", [])
    monkeypatch.setenv(ADDRESS, "")
    step_server.start(workflow())
    assert ADDRESS not in os.environ
    assert list(deep.iterdir()) == []
