"""The Slurm of these tests is one: its nodes are apart, and a lost one takes all along."""

from __future__ import annotations

from pathlib import Path

from tests.slurm.cluster import NODES, Cluster
from tests.waiting import LIMIT_S, until


def test_its_nodes_are_apart(cluster: Cluster) -> None:
    asked = "hostname; cat /proc/sys/kernel/random/boot_id; echo $ROCR_VISIBLE_DEVICES"
    told = cluster.ask("srun", "-N2", "--gres=gpu:mi300x:2", "bash", "-c", asked).split()
    here = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert {*NODES} < {*told}
    assert told.count("0,1") == len(NODES)
    assert len({here, *told}) == 1 + len(NODES) + len(NODES) + 1


def test_a_lost_node_takes_its_processes_along_and_comes_back(cluster: Cluster) -> None:
    job = cluster.ask(
        *("sbatch", "--parsable", "--no-requeue", "-w", "n2"),
        *("--output=/dev/null", "--wrap=sleep 1234"),
    )
    until(lambda: any("sleep 1234" in told for told in cluster.processes("n2").values()))
    left = cluster.processes("n2")
    cluster.lose_node("n2")
    assert not [pid for pid in left if Path(f"/proc/{pid}").exists()]
    until(lambda: job not in cluster.jobs(), 2 * LIMIT_S)
    cluster.start_node("n2")
    cluster.wait_for({"n2": "idle"})
