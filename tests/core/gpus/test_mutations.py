"""Damaged trees: never an exception, never an invented GPU, and still a record that can be sent."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import inventory, masks, occupancy
from aim_jupyter.core.gpus.tree import Reader
from aim_jupyter.core.records import Gpu
from aim_jupyter.core.sizes import GIB

from . import captured, trees
from .trees import MemoryTree

ON_DISK = 300

ERRORS = (errno.EACCES, errno.EPERM, errno.EIO, errno.EBUSY, errno.ENODEV, errno.EINVAL)
CONTENTS = (
    b"",
    b"\n",
    b"0\n",
    b"-1\n",
    b"N/A\n",
    b"1_000\n",
    b"0x\n",
    b"99999999999999999999999999\n",
    b"18446744073709551615\n",
    b"4294967295\n",
    b"9" * 5000,
    b"\xff\xfe\x00\x80\n",
    b"simd_count\nvendor_id\n",
    b"simd_count 4\n" * 3000,
    "simd_count ٣\n".encode(),
)


def bases() -> dict[str, trees.Files]:
    """Return small trees of every kind: the captured ones where they are, and our own."""
    found = {
        "spx": trees.mi300x(2) | trees.process(4711, {trees.gpu_id(0): 90 << 30}),
        "cpx": trees.mi300x(1, 8) | trees.process(4711, {trees.gpu_id(0, 3): 9 << 30}),
        "drm": {k: v for k, v in trees.mi300x(2).items() if "kfd" not in k},
    }
    if captured.ROOT.is_dir():
        place = Path(tempfile.mkdtemp())
        for machine in captured.TREES:
            files = trees.from_disk(captured.tree(machine, place))
            found[machine] = {k: v for k, v in files.items() if _small(k)}
        shutil.rmtree(place)
    return found


def _small(path: str) -> bool:
    # Of 32 nodes the first six show everything: two processors and one GPU's four partitions.
    parts = path.split("/")
    return "nodes" not in parts or int(parts[parts.index("nodes") + 1]) < 6


TREES = {name: MemoryTree(files) for name, files in bases().items()}


def seen(tree: Any) -> tuple[tuple[Gpu, ...], Reader]:
    reader = Reader(tree)
    listed = masks.applied(inventory.gpus(reader), {})
    return occupancy.settled(listed, {}, occupancy.uses(reader, whose=False)), reader


# Writing and removing files is what takes the time on a disk.
ON_A_DISK = {"one": trees.mi300x(1), "two": trees.mi300x(1, 2)}

TRUTH = {name: seen(tree)[0] for name, tree in TREES.items()} | {
    name: seen(MemoryTree(files))[0] for name, files in ON_A_DISK.items()
}


def check(name: str, found: tuple[Gpu, ...]) -> None:
    truth = TRUTH[name]
    assert len(found) <= len(truth)
    nodes = [gpu.kfd_node for gpu in found if gpu.source == "kfd"]
    assert len(set(nodes)) == len(nodes)
    assert set(nodes) <= {gpu.kfd_node for gpu in truth}
    # A damaged partition may come down to its card; a card is never one that is not there.
    cards = {gpu.pci_bdf[:-1] if gpu.pci_bdf else None for gpu in truth}
    for gpu in found:
        assert gpu.pci_bdf is None or gpu.pci_bdf[:-1] in cards
        assert gpu.vram_bytes is None or 0 < gpu.vram_bytes <= 1 << 50
        assert gpu.cu_count is None or 0 < gpu.cu_count <= 4096
        assert gpu.reason is None or len(gpu.reason.splitlines()) == 1
    ordinals = [gpu.hip_index for gpu in found if gpu.hip_index is not None]
    assert ordinals == list(range(len(ordinals)))
    msgspec.json.encode(found)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, MemoryTree]:
    """Draw a tree with one to five files damaged, and at times a node that goes away."""
    name = draw(st.sampled_from(sorted(TREES)))
    tree = TREES[name]
    files = sorted(tree.files)
    damage: dict[str, bytes | int] = {}
    for _ in range(draw(st.integers(1, 5))):
        path = files[draw(st.integers(0, len(files) - 1))]
        damage[path] = draw(kinds(tree.files[path]))
    vanishing, after = "", -1
    folders = sorted(folder for folder in tree.folders if folder)
    if draw(st.integers(0, 3)) == 0:
        vanishing = folders[draw(st.integers(0, len(folders) - 1))]
        after = draw(st.integers(0, 60))
    return name, tree.damaged(damage, vanishing, after)


def kinds(content: bytes) -> st.SearchStrategy[bytes | int]:
    return st.one_of(
        st.just(errno.ENOENT),
        st.sampled_from(ERRORS),
        st.sampled_from(CONTENTS),
        st.integers(0, len(content)).map(lambda end: content[:end]),
        st.binary(max_size=40),
        st.integers(1, 1 << 80).map(lambda n: content.replace(b" 4", f" {n}".encode())),
    )


@pytest.mark.parametrize("examples", [1000, 10_000])
def test_mutations_raise_nothing_and_invent_nothing(
    examples: int, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(mutations())
    def run(mutated: tuple[str, MemoryTree]) -> None:
        nonlocal ran
        ran += 1
        name, tree = mutated
        found, reader = seen(tree)
        check(name, found)
        msgspec.json.encode(list(reader.notes))

    began = time.monotonic()
    run()
    with capsys.disabled():
        sys.stdout.write(
            f"\n{ran} mutations of {len(TREES)} trees, {time.monotonic() - began:.1f} s\n"
        )
    assert ran >= examples


def test_the_undamaged_trees_are_what_the_check_compares_with() -> None:
    assert [len(TRUTH[name]) for name in ("spx", "cpx", "drm")] == [2, 8, 2]
    for name, truth in TRUTH.items():
        check(name, truth)


@pytest.mark.parametrize(
    "lie",
    [
        {f"{trees.NODES}/0/properties": b"simd_count 99\nvendor_id 0\n"},
        {f"{trees.NODES}/0/properties": b"simd_count 99\n"},
        {f"{trees.NODES}/0/properties": b"simd_count 99\nvendor_id 4098\n"},  # its gpu_id is 0
    ],
)
def test_a_processor_never_turns_into_a_gpu(lie: dict[str, bytes]) -> None:
    found, _ = seen(TREES["spx"].damaged(lie))
    assert [gpu.kfd_node for gpu in found] == [2, 3]


# -- on disk: what only a real file system can do to a file --------------------------------------


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _removed_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def _huge(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(GIB)


def _strange_names(path: Path) -> None:
    (path.parent / os.fsdecode(b"\xff\xfe")).write_bytes(b"1\n")
    (path.parent / "²").write_bytes(b"1\n")


SPOILERS: tuple[Callable[[Path], object], ...] = (
    _folder,
    _pipe,
    _loop,
    _dangling,
    _removed_folder,
    _huge,
    _strange_names,
    Path.unlink,
)


def test_hundreds_of_damaged_trees_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {name: sorted(files) for name, files in ON_A_DISK.items()}
    roots = iter(range(1 << 20))

    @settings(max_examples=ON_DISK, deadline=None, database=None, derandomize=True)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(paths)))
        root = trees.written(ON_A_DISK[name], tmp_path / str(next(roots)))
        for _ in range(data.draw(st.integers(1, 4))):
            path = root / data.draw(st.sampled_from(paths[name]))
            spoil = data.draw(st.sampled_from(SPOILERS))
            if path.is_file() and not path.is_symlink():
                spoil(path)
        monkeypatch.setenv("AIM_SYS_ROOT", str(root))
        machine = gpus.machine()
        check(name, machine.gpus)
        msgspec.json.encode(machine)

    run()


def test_nothing_is_there() -> None:
    assert seen(MemoryTree({}))[0] == ()
