"""The model on torch's "meta" device, and what one rank would hold of it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
import torch.distributed as dist
from torch.overrides import TorchFunctionMode

META = torch.device("meta")
_UNIQUE = ("unique", "_unique2", "_unique_impl", "_return_output")
_VALUES = ("item", "tolist", "__index__", "__bool__", "__float__", "__int__")


class OnMeta(TorchFunctionMode):  # type: ignore[misc]
    """Sends what is meant for a GPU to "meta", and answers what only values could."""

    def __torch_function__(self, call: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one function of torch."""
        del types
        name = getattr(call, "__name__", "")
        named = {key: _moved(value, key) for key, value in (kwargs or {}).items()}
        first: Any = args[0] if args else None
        if getattr(first, "is_meta", False):
            if name in _UNIQUE:
                return first.flatten()[:1]
            if name in ("equal", "allclose"):
                return True
            if name in _VALUES:
                return _value(name, first)
        if name == "cuda":
            return first.to(META)
        if name in ("to", "tensor"):
            args = tuple(_moved(value) for value in args)
        return call(*args, **named)


def _moved(value: Any, key: str = "") -> Any:
    """Return a device that is here instead of one that is not."""
    if isinstance(value, torch.device):
        return META if value.type == "cuda" else value
    if isinstance(value, str) and value.startswith("cuda"):
        return META
    return META if key == "device" and type(value) is int else value


def _value(name: str, tensor: Any) -> Any:
    if name == "__bool__":
        return False
    if name == "tolist":
        return [1] * tensor.numel()
    whole = name in ("__int__", "__index__") or not tensor.is_floating_point()
    return 1 if whole else 1.0


def ranks(cfg: Any, rank: int) -> None:
    """Make this process `rank` of a group whose other members are not here."""
    from torch.testing._internal.distributed.fake_pg import FakeStore  # noqa: PLC0415
    from vllm.config import set_current_vllm_config  # noqa: PLC0415
    from vllm.distributed import parallel_state  # noqa: PLC0415
    from vllm.distributed.device_communicators import shm_broadcast  # noqa: PLC0415
    from vllm.v1.worker.workspace import init_workspace_manager  # noqa: PLC0415

    its = cfg.parallel_config
    world = its.tensor_parallel_size * its.pipeline_parallel_size * its.data_parallel_size
    new_group = dist.new_group
    dist.new_group = lambda ranks=None, *_, **__: new_group(ranks, backend="fake")
    shm_broadcast.MessageQueue.create_from_process_group = staticmethod(lambda *_, **__: None)
    parallel_state.in_the_same_node_as = lambda group, *_, **__: [True] * group.size()
    dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=world)
    with set_current_vllm_config(cfg):
        parallel_state.init_distributed_environment(world, rank, "env://", 0, "fake")
        parallel_state.ensure_model_parallel_initialized(
            its.tensor_parallel_size,
            its.pipeline_parallel_size,
            its.prefill_context_parallel_size,
            its.decode_context_parallel_size,
        )
    init_workspace_manager(META)


def model(cfg: Any) -> Any:
    """Return the model, without a byte of weights."""
    from vllm.model_executor.model_loader.utils import initialize_model  # noqa: PLC0415

    maps: Any = importlib.import_module("vllm.model_executor.layers.fused_moe.expert_map_manager")
    real = maps.determine_expert_map

    def on_cpu(*args: Any, **options: Any) -> Any:  # its values are read
        with torch.device("cpu"):
            return real(*args, **options)

    maps.determine_expert_map = on_cpu
    with on_meta(cfg):
        return initialize_model(cfg)


def loaded(cfg: Any, built: Any) -> list[str]:
    """Do what loading does after the weights are read; return what could not be done here."""
    from vllm.config import set_current_vllm_config  # noqa: PLC0415
    from vllm.model_executor.layers.attention import is_deferred_attention_layer  # noqa: PLC0415
    from vllm.model_executor.layers.quantization.base_config import (  # noqa: PLC0415
        QuantizeMethodBase,
    )

    failed: dict[str, str] = {}
    with on_meta(cfg), set_current_vllm_config(cfg):
        for module in built.modules():
            method = getattr(module, "quant_method", None)
            steps: list[Any] = []
            if isinstance(method, QuantizeMethodBase):
                steps.append((method, module))
            if is_deferred_attention_layer(module):
                steps.append((module, cfg.model_config.dtype))
            for who, what in steps:
                try:
                    who.process_weights_after_loading(what)
                except Exception as error:  # noqa: BLE001  a kernel that is not here
                    failed[type(who).__name__] = f"{type(error).__name__}: {str(error)[:120]}"
    return [f"{name}: {why}" for name, why in failed.items()]


def size(*built: Any) -> int:
    """Return the bytes of all distinct storages, also of tensors that are plain attributes."""
    seen: dict[int, int] = {}
    for each in built:
        for tensor in _tensors(each):
            storage = tensor.untyped_storage()
            seen[storage._cdata] = storage.nbytes()  # noqa: SLF001  its identity on "meta"
    return sum(seen.values())


def _tensors(built: Any) -> Iterator[Any]:
    yield from built.parameters()
    yield from built.buffers()
    for module in built.modules():
        for value in vars(module).values():
            for each in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(each, torch.Tensor) and each.is_meta:
                    yield each


def on_meta(cfg: Any) -> ExitStack:
    """Let what is built lie on "meta", in the model's dtype."""
    from vllm.utils.torch_utils import set_default_torch_dtype  # noqa: PLC0415

    stack = ExitStack()
    for context in (
        set_default_torch_dtype(cfg.model_config.dtype),
        META,
        OnMeta(),
        torch.no_grad(),
    ):
        stack.enter_context(context)
    return stack
