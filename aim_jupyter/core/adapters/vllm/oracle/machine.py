"""A machine with AMD GPUs that is not here."""

from __future__ import annotations

import sys
import types
from importlib.machinery import ModuleSpec
from types import SimpleNamespace
from typing import Any, NamedTuple

from . import absent

COUNT = 64  # more than any plan takes


class Gpu(NamedTuple):
    """One of them, as its driver would say it; `exact` takes it from the table of GPUs.

    Attributes
    ----------
    memory : int
        Bytes.
    device_id : str
        Such as ``0x74a1``.
    units : int
        Compute units.
    """

    gfx: str
    memory: int
    device_id: str
    name: str
    units: int


class Idle:
    """A stream, an event, a communicator: whatever is asked of it, nothing happens."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take anything."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def pretend(gpu: Gpu) -> None:
    """Make vLLM believe that it stands on such GPUs; before anything of it is imported."""
    absent.packages()
    sys.modules["amdsmi"] = _amdsmi(gpu)
    _platform(gpu)
    _torch(gpu)
    _triton(gpu.gfx)


def _amdsmi(gpu: Gpu) -> types.ModuleType:
    module: Any = types.ModuleType("amdsmi")
    module.__spec__ = ModuleSpec("amdsmi", None)
    module.AmdSmiException = type("AmdSmiException", (Exception,), {})
    module.AmdSmiMemoryType = SimpleNamespace(VRAM=0)
    module.amdsmi_init = module.amdsmi_shut_down = lambda *_: None
    module.amdsmi_get_processor_handles = lambda: list(range(COUNT))
    about = {
        "target_graphics_version": gpu.gfx,
        "device_id": gpu.device_id,
        "market_name": gpu.name,
    }
    module.amdsmi_get_gpu_asic_info = lambda _: about
    module.amdsmi_get_gpu_device_uuid = lambda handle: f"GPU-{handle}"
    module.amdsmi_get_gpu_memory_total = lambda *_: gpu.memory
    module.amdsmi_topo_get_link_type = lambda *_: {"hops": 1, "type": 2}
    module.amdsmi_topo_get_numa_node_number = lambda _: 0
    return module  # type: ignore[no-any-return]


def _platform(gpu: Gpu) -> None:
    from vllm import platforms  # noqa: PLC0415  after the packages that stand in

    platforms.vllm_version_matches_substr = lambda _: False  # Triton's kernels may be defined
    from vllm.platforms.rocm import RocmPlatform  # noqa: PLC0415

    platforms._current_platform = RocmPlatform()  # noqa: SLF001  there is no other way
    communicator = (
        "vllm.distributed.device_communicators.base_device_communicator.DeviceCommunicatorBase"
    )
    said: dict[str, Any] = {
        "device_count": COUNT,
        "num_compute_units": gpu.units,
        "is_pin_memory_available": False,
        "set_device": None,
        "manual_seed_all": None,
        "get_current_memory_usage": 0,
        "get_device_communicator_cls": communicator,
    }
    for name, value in said.items():
        setattr(RocmPlatform, name, classmethod(lambda *_, value=value, **__: value))


def _torch(gpu: Gpu) -> None:
    import torch  # noqa: PLC0415

    about = SimpleNamespace(
        multi_processor_count=gpu.units,
        total_memory=gpu.memory,
        gcnArchName=gpu.gfx,
        name=gpu.name,
        warp_size=64,
        major=9,
        minor=4,
        L2_cache_size=4 << 20,
        max_threads_per_multi_processor=2048,
        shared_memory_per_block=65536,
    )
    cuda: dict[str, Any] = {
        "get_device_properties": about,
        "get_device_capability": (9, 4),
        "get_device_name": about.name,
        "current_device": 0,
        "device_count": COUNT,
        "is_available": True,
        "mem_get_info": (gpu.memory, gpu.memory),
        "empty_cache": None,
        "synchronize": None,
        "current_stream": Idle(),
        "default_stream": Idle(),
    }
    accelerator: dict[str, Any] = {
        "current_device_index": 0,
        "current_accelerator": torch.device("cuda"),
        "is_available": True,
        "device_count": COUNT,
        "current_stream": Idle(),
        "empty_cache": None,
        "synchronize": None,
    }
    for module, answers in ((torch.cuda, cuda), (torch.accelerator, accelerator)):
        for name, value in answers.items():
            setattr(module, name, lambda *_, value=value, **__: value)
    torch.cuda.Stream = torch.cuda.Event = torch.Event = Idle


def _triton(gfx: str) -> None:
    import torch  # noqa: PLC0415
    import triton.runtime.driver as drivers  # noqa: PLC0415
    from triton.backends.compiler import GPUTarget  # noqa: PLC0415

    class Driver:
        """Says what Triton would compile for; nothing is compiled."""

        def get_current_target(self) -> Any:
            return GPUTarget("hip", gfx, 64)

        def get_active_torch_device(self) -> Any:
            return torch.device("cuda", 0)

        def get_current_device(self) -> int:
            return 0

        def get_device_interface(self) -> Any:
            return torch.cuda

        def __getattr__(self, name: str) -> Any:
            return absent.nothing(name)

    holder = drivers if hasattr(drivers, "set_active") else drivers.driver
    holder.set_active(Driver())
