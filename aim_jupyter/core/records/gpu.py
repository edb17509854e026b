"""GPUs and the machine that they sit in."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

GpuState = Literal["free", "busy", "unexplained", "hidden"]


class Gpu(Struct, frozen=True, kw_only=True):
    """One device as the HIP runtime would list it: a whole GPU, or one partition of it.

    Keyed by PCI address and partition index; `hip_index` is only what users see and type.

    Attributes
    ----------
    name : str or None
        Marketing name from the device table, such as ``AMD Instinct MI300X``.
    model : str or None
        The short form that recipes use, such as ``MI300X``.
    vram_bytes, vram_used_bytes : int or None
        Of this partition, as the driver reports it, not as the data sheet says.
    usable : bool or None
        Whether this process could open it; `reason` says why not.
    source : str
        Where the facts come from, such as ``kfd`` or ``rocm-smi``.
    vram_used_bytes_reported : int or None
        The driver's figure as it stands: on a partition it is the whole GPU's, repeated on each,
        and `vram_used_bytes` is then what processes hold of this partition, where that is known.
    rocr_index : int or None
        Position in what the driver lists for the ROCm runtime, before any visibility variable.
        `hip_index` is the number that ``HIP_VISIBLE_DEVICES`` takes: it counts within an
        inherited ``ROCR_VISIBLE_DEVICES``, and is None for what a mask hides.
    state, holder, server, pid, lease_age_s
        Occupancy: who holds it, under which server name, since when (seconds).
    """

    name: str | None = None
    model: str | None = None
    pci_device_id: str | None = None
    gfx: str | None = None
    vram_bytes: int | None = None
    vram_used_bytes: int | None = None
    render_minor: int | None = None
    pci_bdf: str | None = None
    partition_index: int | None = None
    compute_partition: str | None = None
    memory_partition: str | None = None
    unique_id_hex: str | None = None
    cu_count: int | None = None
    integrated: bool | None = None
    usable: bool | None = None
    reason: str | None = None
    hip_index: int | None = None
    source: str = "kfd"
    kfd_node: int | None = None
    gpu_id: int | None = None
    num_xcc: int | None = None
    hive_id: int | None = None
    numa_node: int | None = None
    busy_pct: float | None = None
    power_w: float | None = None
    temp_c: float | None = None
    state: GpuState | None = None
    holder: str | None = None
    server: str | None = None
    pid: int | None = None
    lease_age_s: float | None = None
    vram_used_bytes_reported: int | None = None
    rocr_index: int | None = None

    @property
    def key(self) -> str | None:
        """What a lease names: physical PCI address and partition, as in ``0000:0c:00.0-3``.

        Never the HIP ordinal, which depends on who looks, nor the unique id, which all
        partitions of a GPU share. None where the address is not known.
        """
        if self.pci_bdf is None:
            return None
        return f"{self.pci_bdf[:-1]}0-{self.partition_index or 0}"


class Cpu(Struct, frozen=True, kw_only=True):
    """The processor: what serves where there is no GPU. Memory in bytes.

    Attributes
    ----------
    bf16 : bool or None
        Whether it multiplies in bfloat16 (AVX512_BF16); None where its flags can't be read.
    """

    model: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    memory_available_bytes: int | None = None
    bf16: bool | None = None


class Machine(Struct, frozen=True, kw_only=True):
    """What was found on this machine, or what a simulated one would have.

    Attributes
    ----------
    read_s : float
        What the reading took, in seconds.
    notes : tuple of str
        What is worth saying about the reading itself: hidden nodes, disagreeing tools.
    simulated : bool
        Such a machine can be planned for, never launched on.
    """

    host: str
    gpus: tuple[Gpu, ...] = ()
    cpu: Cpu = Cpu()
    read_s: float = 0.0
    notes: tuple[str, ...] = ()
    simulated: bool = False
