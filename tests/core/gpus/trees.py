"""Trees of machines as the kernel would write them: in memory, damaged at will, or on disk.

`Nodes` are written in the formats of kfd_topology.c, kfd_process.c and amdgpu's sysfs files, with
the values of the captured MI300X. They are for tests alone: no expectation is taken from them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from aim_jupyter.core import gpus
from aim_jupyter.core.records import Gpu
from aim_jupyter.core.sizes import GIB

NODES = "sys/class/kfd/kfd/topology/nodes"
PROC = "sys/class/kfd/kfd/proc"

Files = dict[str, bytes]

_CPU = "cpu_cores_count 96\nsimd_count 0\nvendor_id 0\ndevice_id 0\nlocation_id 0\n"
_GPU = """\
cpu_cores_count 0
simd_count {simds}
mem_banks_count 1
simd_per_cu 4
gfx_target_version 90402
vendor_id 4098
device_id 29857
location_id {location}
domain 0
drm_render_minor {minor}
hive_id 12609507387757274807
local_mem_size 0
unique_id {unique}
num_xcc {xcc}
max_engine_clk_ccompute 2450
"""


def mi300x(cards: int = 8, parts: int = 1, *, used: Mapping[int, int] | None = None) -> Files:
    """Return the files of MI300X cards with their DRM folders and device files.

    Parameters
    ----------
    used : mapping
        Bytes in use by card; an idle one holds 284 MiB.
    """
    files: Files = {f"{NODES}/{cpu}/properties": _CPU.encode() for cpu in (0, 1)}
    files |= {f"{NODES}/{cpu}/gpu_id": b"0\n" for cpu in (0, 1)}
    files["sys/class/kfd/kfd/topology/generation_id"] = b"2\n"
    files["dev/kfd"] = b""
    for card in range(cards):
        files |= _card(card, parts, (used or {}).get(card, 284 << 20))
        for part in range(parts):
            files |= _node(2 + card * parts + part, card, part, parts)
    return files


def bdf(card: int) -> str:
    return f"0000:{3 + 8 * card:02x}:00.0"


def gpu_id(card: int, part: int = 0) -> int:
    return 10_000 + 100 * card + part


def process(pid: int, held: Mapping[int, int]) -> Files:
    """Return the kfd/proc entry of a process: bytes by gpu_id."""
    return {f"{PROC}/{pid}/vram_{key}": f"{value}\n".encode() for key, value in held.items()}


def _node(number: int, card: int, part: int, parts: int) -> Files:
    folder = f"{NODES}/{number}"
    minor = 128 + 8 * card + part
    facts = _GPU.format(
        simds=1216 // parts,
        location=(3 + 8 * card) << 8 | part,
        minor=minor,
        unique=0x1000_0000_0000_0000 + card,
        xcc=8 // parts,
    )
    size = (192 * GIB - (16 << 20)) // parts
    return {
        f"{folder}/properties": facts.encode(),
        f"{folder}/gpu_id": f"{gpu_id(card, part)}\n".encode(),
        f"{folder}/name": b"ip discovery\n",
        f"{folder}/mem_banks/0/properties": f"heap_type 1\nsize_in_bytes {size}\n".encode(),
        f"dev/dri/renderD{minor}": b"",
    }


def _card(card: int, parts: int, used: int) -> Files:
    folder = f"sys/bus/pci/devices/{bdf(card)}"
    mode = {1: "SPX", 2: "DPX", 4: "QPX", 8: "CPX"}[parts]
    texts = {
        "vendor": "0x1002",
        "device": "0x74a1",
        "class": "0x120000",
        "mem_info_vram_total": str(192 * GIB - (16 << 20)),
        "mem_info_vram_used": str(used),
        "mem_info_vram_vendor": "samsung",
        "gpu_busy_percent": "0",
        "current_compute_partition": mode,
        "current_memory_partition": "NPS1",
        "numa_node": str(card // 4),
        "unique_id": f"{0x1000_0000_0000_0000 + card:016x}",
        "hwmon/hwmon3/power1_average": "132000000",
        "hwmon/hwmon3/temp2_input": "42000",
    }
    files = {f"{folder}/{name}": f"{text}\n".encode() for name, text in texts.items()}
    # On the real bus this is a link to the device; that the name is there is all that is read.
    files[f"sys/bus/pci/drivers/amdgpu/{bdf(card)}/vendor"] = b"0x1002\n"
    return files


def from_disk(root: Path) -> Files:
    """Return all files below a folder, links followed."""
    found: Files = {}
    for folder, _, names in os.walk(root, followlinks=True):
        for name in names:
            path = Path(folder) / name
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def written(files: Files, root: Path) -> Path:
    """Write the files below `root`, and return it."""
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return root


def listed() -> list[Gpu]:
    """Return the GPUs of the tree that ``AIM_SYS_ROOT`` names."""
    return list(gpus.machine().gpus)


class MemoryTree:
    """A tree in memory that can be damaged without copying it.

    Parameters
    ----------
    files : dict
        Content by path.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self.folders: dict[str, set[str]] = {"": set()}
        for path in files:
            parts = path.split("/")
            for depth, name in enumerate(parts):
                self.folders.setdefault("/".join(parts[:depth]), set()).add(name)
        self.damage: dict[str, bytes | int] = {}
        self.gone: list[str] = []
        self.reads_left = -1
        self.vanishing = ""

    def damaged(
        self, damage: Mapping[str, bytes | int], vanishing: str = "", after: int = -1
    ) -> MemoryTree:
        """Return this tree with other contents, or errors, in some places.

        Parameters
        ----------
        damage : mapping
            Content, or an errno that reading gives.
        vanishing : str
            A folder that is gone after `after` further reads.
        """
        other = MemoryTree.__new__(MemoryTree)
        other.files, other.folders = self.files, self.folders
        other.damage, other.vanishing, other.reads_left = dict(damage), vanishing, after
        other.gone = []
        return other

    def _check(self, path: str) -> None:
        if self.vanishing:
            self.reads_left -= 1
            if self.reads_left < 0:
                self.gone, self.vanishing = [self.vanishing], ""
        if any(path == gone or path.startswith(f"{gone}/") for gone in self.gone):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        found = self.damage.get(path)
        if isinstance(found, int):
            raise OSError(found, os.strerror(found), path)

    def read(self, path: str) -> bytes:
        self._check(path)
        if path in self.damage:
            return bytes(self.damage[path])
        if path in self.files:
            return self.files[path]
        number = errno.EISDIR if path in self.folders else errno.ENOENT
        raise OSError(number, os.strerror(number), path)

    def names(self, path: str) -> list[str]:
        self._check(path)
        if path not in self.folders:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        missing = [p for p, d in self.damage.items() if d == errno.ENOENT]
        return [name for name in self.folders[path] if f"{path}/{name}" not in missing]

    def target(self, path: str) -> str:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)

    def facts(self, path: str) -> os.stat_result:
        self._check(path)
        if path not in self.files and path not in self.folders:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return os.stat_result((0o100666, 0, 0, 1, 0, 0, 0, 0, 0, 0))

    def allowed(self, path: str) -> bool:
        return path in self.files and not isinstance(self.damage.get(path), int)
