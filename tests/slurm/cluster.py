"""A real Slurm on this machine, for tests and for a developer (``make slurm``).

Each node is a place of its own as a real one is: its own name, address, processes, boot id,
temporary folder and locks, in namespaces of the kernel. So a pid of a node means nothing outside,
its loopback can't be reached, and a node that is lost takes all of its processes along. What nodes
share is the disk, as on a cluster. Nothing of the machine is touched: configuration, keys, ports
and the network between the nodes are the cluster's, and go with it.

Debian's packages do: ``apt-get install slurmctld slurmd slurm-client munge``. It needs root.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

#: What has to be there, and is in the packages named above.
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged", "ip", "unshare")
NODES = ("n1", "n2")
#: One without GPUs, in a partition of its own: what serves on the processor.
PLAIN = "c1"
GPUS = 4
#: Seconds in which the controller and all nodes are there.
START_S = 60.0
#: Seconds between Slurm's TERM and its KILL. Short, so that tests of hard ends don't wait.
KILL_WAIT_S = 8

_CONTROLLER = """\
ClusterName=aim
SlurmctldHost={host}({address}.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
SlurmctldTimeout=10
SlurmdTimeout=6
SlurmdParameters=config_overrides
InactiveLimit=0
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=5,bf_interval=5,sched_min_interval=10000,batch_sched_delay=0
ReturnToService=2
KillWait={kill_wait}
MinJobAge=300
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
"""
_NODE = "NodeName={node} NodeHostname={node} NodeAddr={address}.{last} Port=1700{last} CPUs=4 "
_NODE += "RealMemory=8000{gres}\n"
_PARTITIONS = """\
PartitionName=gpu Nodes=n1,n2 Default=YES MaxTime=1-00:00:00 PriorityTier=10 State=UP
PartitionName=low Nodes=n1,n2 MaxTime=1-00:00:00 PriorityTier=1 State=UP
PartitionName=again Nodes=n1,n2 MaxTime=1-00:00:00 PriorityTier=1 PreemptMode=REQUEUE State=UP
PartitionName=cpu Nodes=c1 MaxTime=01:00:00 PriorityTier=10 State=UP
"""
# Without the flag no ROCR_VISIBLE_DEVICES is set; a GRES file must be a device.
_GRES = (
    "NodeName={node} Name=gpu Type=mi300x File={folder}/dev/renderD[128-131] Flags=amd_gpu_env\n"
)

# The first process of a node: it collects orphans, as an init does, and all ends with it.
_INIT = """\
set -e
hostname {node}
mount --bind {folder}/boot.{node} /proc/sys/kernel/random/boot_id
for place in {private}; do mount -t tmpfs -o mode=1777 tmpfs $place; done
mount --bind {folder}/machine.{node} {folder}/machine
ip link set lo up
read ready
ip address add {address}.{last}/24 dev node
ip link set node up
slurmd -N {node} -b -D &
while :; do wait || true; read -rt 1 <> <(:) || true; done
"""


class Cluster:
    """A running Slurm; made by `running`.

    Attributes
    ----------
    folder : Path
        On the disk that all nodes share, and below none of the folders that they do not.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = secrets.randbelow(250) + 2
        self._address = f"198.18.{self._number}"  # For networks of tests, RFC 2544.
        self._bridge = f"aimslurm{self._number}"
        self._environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._munge: subprocess.Popen[bytes] | None = None
        self._controller: subprocess.Popen[bytes] | None = None
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What makes Slurm's commands ask this cluster."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    @property
    def machine(self) -> Path:
        """Return where a job finds the captured machine of its node (``AIM_SYS_ROOT``)."""
        return self.folder / "machine"

    def captured(self, node: str) -> Path:
        """Return the folder that `machine` is on a node."""
        return self.folder / f"machine.{node}"

    def ask(self, *command: str, env: Mapping[str, str] | None = None) -> str:
        """Run one of Slurm's commands and return what it says.

        Parameters
        ----------
        env : mapping, optional
            What a job is given beside the environment in which this was made.
        """
        done = subprocess.run(
            command,
            env={**self._environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout.strip()

    def states(self) -> dict[str, str]:
        """Return the state of each node, empty where the controller does not answer."""
        try:
            told = self.ask("sinfo", "-h", "-N", "-p", "gpu,cpu", "-o", "%N %T").splitlines()
        except (subprocess.SubprocessError, OSError):
            return {}
        return dict(line.split(maxsplit=1) for line in told)

    def jobs(self) -> list[str]:
        """Return the numbers of the jobs that wait, run, or are coming to an end."""
        return self.ask("squeue", "-h", "-o", "%i").split()

    def processes(self, node: str) -> dict[int, str]:
        """Return what runs on a node beside Slurm's own: its pids outside, and its commands."""
        space = Path(f"/proc/{self._nodes[node].pid}/ns/pid_for_children").readlink()
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "ns/pid").readlink() == space:
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(entry.name)] = words.strip()
        own = ("slurmd ", "slurmstepd", "bash -c set -e")
        return {pid: told for pid, told in found.items() if told and not told.startswith(own)}

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until all nodes are idle."""
        self._write()
        self._start_munge()
        self._link()
        self.start_controller()
        for node in (*NODES, PLAIN):
            self.start_node(node)
        self.wait_for(dict.fromkeys((*NODES, PLAIN), "idle"))

    def stop(self) -> None:
        """End all of it: what runs on its nodes too."""
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            self.ask("scancel", "--user", "root")
        for node in (*NODES, PLAIN):
            self.lose_node(node)
        self.stop_controller()
        if self._munge is not None:
            _end(self._munge)
        _quietly("ip", "link", "delete", self._bridge)
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for(self, wanted: dict[str, str]) -> None:
        """Wait until nodes are in these states."""
        end = time.monotonic() + START_S
        while (states := self.states()) | wanted != states:
            if time.monotonic() > end:
                raise RuntimeError(f"the nodes are {states}, wanted {wanted}: see {self.folder}")
            time.sleep(0.2)

    def start_controller(self) -> None:
        """Start the controller, which goes on with the jobs that it had."""
        self._controller = subprocess.Popen(
            ["slurmctld", "-D"], env=self._environment, stderr=subprocess.DEVNULL
        )

    def stop_controller(self) -> None:
        """End the controller; jobs run on."""
        if self._controller is not None:
            _end(self._controller)
            self._controller = None

    def start_node(self, node: str) -> None:
        """Start a node, which boots anew."""
        last = 2 + (*NODES, PLAIN).index(node)
        (self.folder / f"boot.{node}").write_text(f"{secrets.token_hex(16)}\n")
        script = _INIT.format(
            node=node,
            folder=self.folder,
            address=self._address,
            last=last,
            private=" ".join(_private()),
        )
        spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"]
        with (self.folder / f"node.{node}.log").open("ab") as log:
            process = subprocess.Popen(
                ["unshare", *spaces, "--mount-proc", "bash", "-c", script],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._nodes[node] = process
        self._plug_in(node, process)

    def lose_node(self, node: str) -> None:
        """End a node and every process on it at once, as a power cut does."""
        process = self._nodes.pop(node, None)
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            # The network goes with the node a moment later; its name must be free again.
            _quietly("ip", "link", "delete", f"{self._bridge}{node}")

    # -- parts -----------------------------------------------------------------------------------

    def _write(self) -> None:
        for name in (
            "controller",
            "dev",
            "machine",
            *(f"machine.{node}" for node in (*NODES, PLAIN)),
        ):
            (self.folder / name).mkdir(parents=True)
        for minor in range(128, 128 + GPUS):
            os.mknod(self.folder / f"dev/renderD{minor}", 0o20666, os.makedev(1, 3))
        address = self._address
        text = _CONTROLLER.format(
            host=socket.gethostname().partition(".")[0],
            address=address,
            port=16800 + self._number,
            folder=self.folder,
            kill_wait=KILL_WAIT_S,
        )
        for last, node in enumerate((*NODES, PLAIN), start=2):
            gres = f" Gres=gpu:mi300x:{GPUS}" if node in NODES else ""
            text += _NODE.format(node=node, address=address, last=last, gres=gres)
        (self.folder / "slurm.conf").write_text(text + _PARTITIONS)
        kinds = (_GRES.format(node=node, folder=self.folder) for node in NODES)
        (self.folder / "gres.conf").write_text("".join(kinds))

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(128))
        names = {"socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log"}
        files = [f"--{option}={self.folder / name}" for option, name in names.items()]
        seed = f"--seed-file={self.folder / 'munge.seed'}"
        self._munge = subprocess.Popen(
            ["munged", "--foreground", "--force", f"--key-file={key}", seed, *files],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _until((self.folder / "munge.socket").exists)

    def _link(self) -> None:
        _run("ip", "link", "add", self._bridge, "type", "bridge")
        _run("ip", "address", "add", f"{self._address}.1/24", "dev", self._bridge)
        _run("ip", "link", "set", self._bridge, "up")

    def _plug_in(self, node: str, process: subprocess.Popen[bytes]) -> None:
        """Join a node to the network, then let it go on."""
        end = f"{self._bridge}{node}"
        ours = Path("/proc/self/ns/net").readlink()
        _until(lambda: Path(f"/proc/{process.pid}/ns/net").readlink() != ours)
        _run(
            "ip",
            "link",
            "add",
            end,
            "type",
            "veth",
            "peer",
            "name",
            "node",
            "netns",
            str(process.pid),
        )
        _run("ip", "link", "set", end, "master", self._bridge, "up")
        assert process.stdin is not None
        with process.stdin as door:
            door.write(b"\n")


@contextlib.contextmanager
def running() -> Iterator[Cluster]:
    """Start a cluster, and end it with all that runs on it."""
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="aim-slurm-", dir="/var/tmp")))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def missing() -> str:
    """Return what a cluster can't be started for, empty where it can."""
    if absent := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"no {absent[0]} here: apt-get install slurmctld slurmd slurm-client munge iproute2"
    if os.getuid() != 0:
        return "nodes in namespaces need root"
    tried = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], check=False)
    return "" if tried.returncode == 0 else "no namespaces may be made here"


def _private() -> list[str]:
    """Return the folders of which a node has its own: never one that the code lies in."""
    needed = (Path(__file__).parents[2], Path(sys.prefix))
    places = ("/tmp", "/run/lock", "/dev/shm")
    return [one for one in places if not any(each.is_relative_to(one) for each in needed)]


def _until(is_so: Callable[[], bool], limit_s: float = START_S) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError("it did not become so in time")
        time.sleep(0.02)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _quietly(*command: str) -> None:
    subprocess.run(command, check=False, capture_output=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    """Start one for a developer, say how to use it, and end it on Ctrl-C."""
    if lacking := missing():
        sys.exit(f"No Slurm can be started: {lacking}")
    with running() as cluster:
        print(f"Two nodes with {GPUS} GPUs each. In another terminal:\n")  # noqa: T201
        print(f"    export SLURM_CONF={cluster.folder}/slurm.conf")  # noqa: T201
        print("    sinfo\n    .venv/bin/aim-engine gpus --on slurm\n\nCtrl-C ends it.")  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
