"""A real Slurm on this machine alone, without systemd: what the cluster tests submit to.

    python tests/cluster/slurm_node.py start [--nodes N] [--cpus N] | stop | status
    python tests/cluster/slurm_node.py node-down [--node NAME] [--with-jobs] | node-up [--node NAME]
    python tests/cluster/slurm_node.py controller-stop | controller-start

It needs root on Debian 12, at best in a container: start installs the packages that are missing and writes
/etc/slurm. Everything else is under /var/tmp/muscan-slurm, and each start from nothing begins with an empty cluster.

It is a cluster of one node, or of several that share this machine: node1, node2 and so on. Jobs go to node1 while it
has room. With a second node it can be seen that a job goes elsewhere when its node fails.
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PARTITION, SHORT_PARTITION, ACCOUNT = "main", "short", "muscan"

STATE = Path("/var/tmp/muscan-slurm")
RUN, LOGS = STATE / "run", STATE / "log"
MUNGE_SOCKET, MYSQL_SOCKET = RUN / "munge.socket", RUN / "mysql.socket"

# Slurm finds its configuration at the default place only: Snakemake does not pass SLURM_CONF on to its job steps.
SLURM_CONF, SLURMDBD_CONF = Path("/etc/slurm/slurm.conf"), Path("/etc/slurm/slurmdbd.conf")
CGROUP_CONF = Path("/etc/slurm/cgroup.conf")
CONFIGURATION = (SLURM_CONF, SLURMDBD_CONF, CGROUP_CONF)
MARK = "# Written by slurm_node.py of muscan's tests; changes are lost."

PACKAGES = ("munge", "mariadb-server", "slurmdbd", "slurmctld", "slurmd", "slurm-client")
POLICY = Path("/usr/sbin/policy-rc.d")

# In the order of their start; the nodes come last. All but MariaDB put themselves into the background.
SERVERS = {
    "munged": (
        *("munged", "--force", f"--key-file={RUN}/munge.key", f"--socket={MUNGE_SOCKET}"),
        *(f"--pid-file={RUN}/munged.pid", f"--log-file={LOGS}/munged.log", f"--seed-file={RUN}/munge.seed"),
    ),
    "mariadbd": (
        *("setsid", "--fork", "mariadbd", "--no-defaults", "--user=root", "--skip-networking"),
        *(f"--datadir={STATE}/mysql", f"--socket={MYSQL_SOCKET}", f"--pid-file={RUN}/mariadbd.pid"),
        *(f"--log-error={LOGS}/mariadbd.log", "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"),
    ),
    "slurmdbd": ("slurmdbd",),
    "slurmctld": ("slurmctld",),
}

# What the tests' environment holds must not reach the jobs through the daemons.
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
    "MYSQL_UNIX_PORT": str(MYSQL_SOCKET),
}


class SlurmError(RuntimeError):
    """The Slurm of the tests does not do what it should."""


def host_name() -> str:
    return socket.gethostname().split(".")[0]


def slurmdbd_conf() -> str:
    return f"""{MARK}
DbdHost={host_name()}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={MUNGE_SOCKET}
CommunicationParameters=NoInAddrAny
LogFile={LOGS}/slurmdbd.log
PidFile={RUN}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
"""


def node_name(number: int) -> str:
    return f"node{number}"


def node_daemons() -> list[str]:
    """What pid_of, launch and end call the nodes of the configuration: slurmd-node1 and so on."""
    text = SLURM_CONF.read_text() if SLURM_CONF.exists() else ""
    return [f"slurmd-{name}" for name in re.findall(r"^NodeName=(\S+)", text, re.MULTILINE)]


def slurm_conf(nodes: int, cpus: int) -> str:
    host = host_name()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 9 // 10 // 2**20
    # A job takes the node with the least weight that has room.
    node_lines = "\n".join(
        f"NodeName={node_name(number)} NodeHostname={host} NodeAddr={host} Port={6820 + number} CPUs={cpus} "
        f"RealMemory={memory} Weight={number} State=UNKNOWN"
        for number in range(1, nodes + 1)
    )
    return f"""{MARK}
ClusterName=muscan
SlurmctldHost={host}
# All listen at the address of that name only: the loopback, or that of the container.
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={MUNGE_SOCKET}
StateSaveLocation={STATE}/slurmctld
SlurmdSpoolDir={STATE}/slurmd/%n
SlurmctldPidFile={RUN}/slurmctld.pid
SlurmdPidFile={RUN}/slurmd-%n.pid
SlurmctldLogFile={LOGS}/slurmctld.log
SlurmdLogFile={LOGS}/slurmd-%n.log

# Without systemd there may be no cgroups that Slurm could use: what a job takes is read from /proc.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
MpiDefault=none

SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
DefMemPerCPU=256
# A job that asks for more than the node or its partition has is refused, instead of waiting for ever.
EnforcePartLimits=ALL
# Snakemake's squeue must still see jobs that ended.
MinJobAge=3600

AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost={host}
# That of Munge: slurmdbd is asked with a credential of its own.
AccountingStoragePass={MUNGE_SOCKET}
AccountingStorageEnforce=associations

# Failures are noticed within a test's patience, and a node that comes back is used again.
SlurmdTimeout=20
ReturnToService=2
KillWait=2
MessageTimeout=10

# The tests may pretend more CPUs than there are.
SlurmdParameters=config_overrides
{node_lines}
PartitionName={PARTITION} Nodes=ALL Default=YES MaxTime=24:00:00 DefaultTime=60 State=UP
PartitionName={SHORT_PARTITION} Nodes=ALL MaxTime=5 DefaultTime=5 State=UP
"""


def run(*command: str, check: bool = True, timeout: float = 60) -> str:
    """The output of a command of Slurm, MariaDB or Debian."""
    try:
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        if check:
            raise SlurmError(f"{' '.join(command)}: no answer in {timeout:g} s") from error
        return ""
    if check and done.returncode:
        raise SlurmError(f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout if done.returncode == 0 else ""


def wait(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Return as soon as a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SlurmError(f"{what}: not within {seconds:g} s (logs: {LOGS})")
        time.sleep(0.2)


def processes() -> dict[int, tuple[str, int]]:
    """Program and parent of the processes of this machine that have not ended."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end meanwhile; those of the kernel have no program.
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                program = Path(os.readlink(folder / "exe").removesuffix(" (deleted)")).name
                # Debian's daemons of Slurm are links to slurmctld-wlm and the like.
                found[int(folder.name)] = (program.removesuffix("-wlm"), int(parent))
    return found


def pid_of(daemon: str) -> int | None:
    """The process of a daemon that this script started, if it runs."""
    try:
        pid = int((RUN / f"{daemon}.pid").read_text())
    except (OSError, ValueError):
        return None
    # Another process may have the number now.
    return pid if processes().get(pid, ("", 0))[0] == daemon.partition("-")[0] else None


def end(daemon: str, how: signal.Signals = signal.SIGTERM) -> None:
    """End a daemon, if need be by force."""
    for signal_ in (how, signal.SIGKILL):
        pid = pid_of(daemon)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_)
        with contextlib.suppress(SlurmError):
            wait(lambda pid=pid: pid not in processes(), f"the end of {daemon}", 20)


def works_for(pid: int, node: str | None) -> bool:
    """Whether a slurmstepd runs a step on a node, or on any for None."""
    # It has the log file of its slurmd open, and that is where it tells the node.
    with contextlib.suppress(OSError):
        return node is None or LOGS / f"slurmd-{node}.log" in map(Path.readlink, Path(f"/proc/{pid}/fd").iterdir())
    return False


def kill_jobs(node: str | None = None) -> None:
    """Kill what jobs and their steps run on a node, or on all, as when it loses power."""
    # More than once: a process that is about to start another one may be faster.
    for _ in range(20):
        table = processes()
        doomed = {pid for pid, (program, _) in table.items() if program == "slurmstepd" and works_for(pid, node)}
        if not doomed:
            return
        while more := {pid for pid, (_, parent) in table.items() if parent in doomed} - doomed:
            doomed |= more
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    raise SlurmError("processes of jobs do not end")


def is_foreign(path: Path) -> bool:
    return path.exists() and not path.read_text().startswith(MARK)


def reason_not_to_run() -> str | None:
    """Why this machine cannot have the Slurm of the tests, or None."""
    if os.geteuid() != 0:
        return "a Slurm of one node needs root, best in a container"
    if not all(map(shutil.which, ("apt-get", "dpkg-query"))):
        return "the Slurm of the tests is installed from Debian's packages, and there is no apt-get"
    if "SLURM_CONF" in os.environ:
        return "SLURM_CONF names another Slurm"
    for path in filter(is_foreign, CONFIGURATION):
        return f"{path} belongs to another Slurm"
    try:
        # As Slurm asks: a loopback alone does not count.
        socket.getaddrinfo(host_name(), None, socket.AF_INET, flags=socket.AI_ADDRCONFIG)
    except OSError:
        return f"Slurm needs an address of {host_name()}, this machine, for example in /etc/hosts"
    ours = {pid_of(daemon) for daemon in (*SERVERS, *node_daemons())}
    for pid, (program, parent) in processes().items():
        if program in ("slurmctld", "slurmdbd", "slurmd") and not {pid, parent} & ours:
            return f"another Slurm runs here: {program}, process {pid}"
    return None


def install() -> None:
    """Install the packages that are missing, without starting their services."""
    listing = run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", check=False).splitlines()
    missing = [package for package in PACKAGES if f"{package} installed" not in listing]
    if not missing:
        return
    print("installing", *missing, file=sys.stderr)
    policy = not POLICY.exists()
    if policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        run("apt-get", "update", "-qq", timeout=300)
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, timeout=900)
    finally:
        if policy:
            POLICY.unlink()


def launch(daemon: str) -> None:
    """Start a daemon unless it runs."""
    if pid_of(daemon):
        return
    command = SERVERS.get(daemon) or ("slurmd", "-N", daemon.removeprefix("slurmd-"))
    output = LOGS / f"{daemon}.out"
    with output.open("a") as log:
        # With what is left of the tests' own descriptors the daemon would keep their pipes open.
        done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    if done.returncode:
        raise SlurmError(f"{daemon} does not start (logs: {LOGS}): {output.read_text()[-2000:]}")
    wait(lambda: pid_of(daemon), f"the start of {daemon}", 30)


def fresh_state(conf: str) -> None:
    """An empty cluster: configuration, key and database, with nothing of an earlier one but its lock."""
    for folder in ("run", "log", "mysql", "slurmctld", "slurmd"):
        shutil.rmtree(STATE / folder, ignore_errors=True)
        (STATE / folder).mkdir(mode=0o755)
    key = RUN / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    SLURM_CONF.parent.mkdir(exist_ok=True)
    SLURM_CONF.write_text(conf)
    # slurmd would look for cgroups to find out their version, and not start where there are none.
    CGROUP_CONF.write_text(f"{MARK}\nCgroupPlugin=cgroup/v1\n")
    SLURMDBD_CONF.touch()
    SLURMDBD_CONF.chmod(0o600)  # slurmdbd refuses a file that others can read
    SLURMDBD_CONF.write_text(slurmdbd_conf())
    # Force: the names of this machine need not be known to it.
    options = ("--no-defaults", "--force", "--user=root", "--auth-root-authentication-method=socket", "--skip-test-db")
    run("mariadb-install-db", *options, f"--datadir={STATE}/mysql")


def database_answers() -> bool:
    query = "CREATE DATABASE IF NOT EXISTS slurm_acct_db; SELECT 1;"
    return bool(run("mariadb", "--no-defaults", f"--socket={MYSQL_SOCKET}", "-e", query, check=False))


def accounting_answers() -> bool:
    return bool(run("sacctmgr", "-n", "list", "qos", check=False))


def controller_answers() -> bool:
    return " is UP" in run("scontrol", "ping", check=False)


def node_states() -> dict[str, str]:
    """What sinfo calls the states of the nodes; a star at its end says that a node does not answer."""
    lines = run("sinfo", "-h", "-N", "-p", PARTITION, "-o", "%N %T", check=False, timeout=20).splitlines()
    return dict(line.split() for line in lines)


def is_ready(node: str) -> bool:
    return node_states().get(node) in ("idle", "mixed", "allocated", "completing")


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """One start or stop at a time."""
    STATE.mkdir(mode=0o755, exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start(nodes: int = 1, cpus: int | None = None) -> None:
    """Start what does not run yet, and return when the nodes take jobs.

    A running Slurm with other nodes, or other CPUs of a node, by default those of this machine, begins anew.
    """
    if reason := reason_not_to_run():
        raise SlurmError(reason)
    conf = slurm_conf(nodes, cpus or os.cpu_count() or 1)
    install()
    with locked():
        if not SLURM_CONF.exists() or SLURM_CONF.read_text() != conf or not pid_of("munged"):
            stop_all()
            fresh_state(conf)
        launch("munged")
        launch("mariadbd")
        wait(database_answers, "MariaDB")
        launch("slurmdbd")
        wait(accounting_answers, "slurmdbd")
        for entity in (("cluster", "muscan"), ("account", ACCOUNT), ("user", "root", f"DefaultAccount={ACCOUNT}")):
            # It answers with an error for what is there already.
            run("sacctmgr", "-i", "-Q", "add", *entity, check=False)
        controller_start()
        for number in range(1, nodes + 1):
            node_up(node_name(number))


def stop_all() -> None:
    # Without the controller first, nothing that dies is requeued.
    for daemon in ("slurmctld", *node_daemons()):
        end(daemon)
    kill_jobs()
    for daemon in ("slurmdbd", "mariadbd", "munged"):
        end(daemon)


def stop() -> None:
    """End all daemons and all jobs, and remove the configuration; logs stay until the next start."""
    if not STATE.exists():
        return
    with locked():
        stop_all()
        for path in CONFIGURATION:
            if path.exists() and not is_foreign(path):
                path.unlink()


def node_down(node: str = node_name(1), with_jobs: bool = False) -> None:
    """A node no longer answers. Its jobs go on, as after a failure of the network, or die with it."""
    end(f"slurmd-{node}", signal.SIGKILL)
    if with_jobs:
        kill_jobs(node)


def node_up(node: str = node_name(1)) -> None:
    """A node answers again and takes jobs."""
    launch(f"slurmd-{node}")
    wait(lambda: is_ready(node), f"{node} to take jobs")


def controller_stop() -> None:
    """The controller is away: sbatch and squeue fail. It has saved its state, and jobs go on."""
    end("slurmctld")


def controller_start() -> None:
    """The controller is there, with the jobs that it knew."""
    launch("slurmctld")
    wait(controller_answers, "slurmctld")


def status() -> bool:
    """Whether all nodes take jobs; print the daemons, the nodes and the jobs."""
    for daemon in (*SERVERS, *node_daemons()):
        print(f"{daemon:15}", pid_of(daemon) or "-")
    # Without a controller the commands of Slurm would wait for it.
    if not pid_of("slurmctld"):
        return False
    print(run("sinfo", "-N", check=False), run("squeue", check=False), sep="\n", end="")
    return all(is_ready(node) for node in node_states())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for function in (start, stop, status, node_down, node_up, controller_stop, controller_start):
        command = commands.add_parser(function.__name__.replace("_", "-"), help=function.__doc__.splitlines()[0])
        command.set_defaults(function=function)
        if function is start:
            command.add_argument("--nodes", type=int, default=1)
            command.add_argument("--cpus", type=int)
        elif function in (node_down, node_up):
            command.add_argument("--node", default=node_name(1))
        if function is node_down:
            command.add_argument("--with-jobs", action="store_true")
    options = vars(parser.parse_args(arguments))
    function = options.pop("function")
    del options["command"]
    try:
        return int(function(**options) is False)
    except SlurmError as error:
        print(f"slurm_node.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
