"""A plan for other places: a shell, docker, AMD's runtime, Kubernetes.

All are text that runs as it stands, without a secret in it: keys and tokens come from the
environment or from a secret of the cluster.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

from aim_jupyter.core import adapters
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR
from aim_jupyter.core.recipes.arguments.options import plain
from aim_jupyter.core.records import Plan, Recipe

#: Of this machine alone: what our supervisor adds, and where it listens.
_LOCAL = ("middleware", "host", "port", "uds", "api-key", "shutdown-timeout", "model")

# As vLLM's documentation names them; the second is built from its Dockerfile.cpu.
_IMAGES = {"rocm": "vllm/vllm-openai-rocm", "cpu": "vllm-cpu-env"}
_AIM_BASE = "amdenterpriseai/aim-base:0.9"
_DEVICES = (
    "--device=/dev/kfd", "--device=/dev/dri", "--group-add=video", "--ipc=host",
    "--cap-add=SYS_PTRACE", "--security-opt=seccomp=unconfined",
)  # fmt: skip
_AS_AMD = {"mxfp4": "fp4", "mxfp8": "fp8", "mxfp6": "fp8"}
_PORT = 8000


def export(plan: Plan, recipe: Recipe, target: str) -> str:
    """Return a plan in the form of `target`, one of `TARGETS`.

    Raises
    ------
    BadUsage
        If there is no such form, or the plan is for an engine whose commands are not known there.
    """
    if target not in _WRITERS:
        raise BadUsage(f"{target!r} is no form of a plan.", f"one of {', '.join(_WRITERS)}")
    if plan.engine != WRITTEN_FOR:
        theirs, ours = adapters.title(plan.engine), adapters.title(WRITTEN_FOR)
        found = (
            f"Only a plan for {ours} can be written down for {target}, this one is for {theirs}."
        )
        raise BadUsage(found, "leave out --engine, or take a recipe that is for vLLM")
    return _WRITERS[target](plan, recipe)


def engine_args(argv: tuple[str, ...]) -> dict[str, Any]:
    """Return the options in an argv as AMD's profiles and our recipes have them.

    Examples
    --------
    >>> engine_args(("python", "-m", "vllm", "--max-num-seqs", "8", "--enforce-eager"))
    {'max-num-seqs': 8, 'enforce-eager': None}
    """
    groups = _groups(argv)
    return {name: _value(values) for name, values in groups if name not in _LOCAL}


def _groups(argv: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    starts = [place for place, word in enumerate(argv) if word.startswith("--")]
    for place, end in zip(starts, [*starts[1:], len(argv)], strict=True):
        yield plain(argv[place]), list(argv[place + 1 : end])


def _value(values: list[str]) -> Any:
    if not values:
        return None
    read = [_scalar(value) for value in values]
    return read[0] if len(read) == 1 else read


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | dict) else text


def _model(plan: Plan, recipe: Recipe) -> str:
    """Return the repository, or the folder of what has none, such as the demo of this package."""
    return plan.model_path if ":" in recipe.weights.repo else recipe.weights.repo


def _served(plan: Plan, recipe: Recipe) -> list[str]:
    """Return model and options for a plain server elsewhere."""
    words = [_model(plan, recipe)]
    for name, values in _groups(plan.argv):
        if name not in _LOCAL:
            words += [f"--{name}", *values]
    return words


def _shell(plan: Plan, recipe: Recipe) -> str:
    env = [f"export {name}={shlex.quote(value)}" for name, value in _environment(plan).items()]
    lines = [
        "#!/bin/sh",
        f"# {plan.model}, recipe {recipe.id} ({recipe.origin})",
        f"# planned for {plan.engine} {plan.engine_version}",
        "# The server asks for the key in VLLM_API_KEY; set it, or everybody here may use it.",
        "set -eu",
        *env,
        f"exec vllm serve {shlex.join(_served(plan, recipe))} \\",
        f"  --host 127.0.0.1 --port {plan.port or _PORT}",
    ]
    return "\n".join(lines) + "\n"


def _docker(plan: Plan, recipe: Recipe) -> str:
    image = _IMAGES.get(plan.platform, _IMAGES["rocm"])
    version = f":v{plan.engine_version.partition('+')[0]}" if plan.engine_version else ":latest"
    port = plan.port or _PORT
    parts = [
        "docker run --rm",
        *(_DEVICES if plan.gpus else ("--ipc=host",)),
        "-e HF_TOKEN -e VLLM_API_KEY",
        *(f"-e {shlex.quote(f'{name}={value}')}" for name, value in _environment(plan).items()),
        _volume(_model(plan, recipe)),
        f"-p 127.0.0.1:{port}:8000",
        image + version,
        shlex.join(_served(plan, recipe)),
    ]
    return " \\\n  ".join(parts) + "\n"


def _volume(model: str) -> str:
    if model.startswith("/"):
        return f"-v {shlex.quote(f'{model}:{model}:ro')}"
    return '-v "${HF_HOME:-$HOME/.cache/huggingface}:/root/.cache/huggingface"'


def _environment(plan: Plan) -> dict[str, str]:
    """Return the plan's environment with its devices: one variable says which, never two."""
    shown = {"HIP_VISIBLE_DEVICES": ",".join(map(str, plan.gpus))} if plan.gpus else {}
    return {**shown, **plan.env}


def _aim_profile(plan: Plan, recipe: Recipe) -> str:
    name = f"vllm-{_gpu(recipe).lower()}-{_precision(recipe)}-tp{recipe.tp}-{_metric(recipe)}"
    head = (
        f"# AIM custom profile: keep it as custom/{plan.model}/{name}.yaml\n"
        f"# From recipe {recipe.id} ({recipe.origin}) of aim_jupyter.\n"
    )
    return head + _yaml(_profile(plan, recipe))


def _profile(plan: Plan, recipe: Recipe) -> dict[str, Any]:
    return {
        "aim_id": plan.model,
        "model_id": recipe.weights.repo,
        "metadata": {
            "engine": "vllm",
            "gpu": _gpu(recipe),
            "precision": _precision(recipe),
            "gpu_count": len(plan.gpus),
            "metric": _metric(recipe),
            "manual_selection_only": False,
            "type": "unoptimized",
        },
        "engine_args": _portable(plan),
        "env_vars": dict(plan.env),
    }


def _portable(plan: Plan) -> dict[str, Any]:
    args = engine_args(plan.argv)
    return {name: value for name, value in args.items() if name != "served-model-name"}


def _aim_service(plan: Plan, recipe: Recipe) -> str:
    name = _dns(f"{plan.model}-{recipe.id}")
    template = {
        "apiVersion": "aim.eai.amd.com/v1alpha1",
        "kind": "AIMServiceTemplate",
        "metadata": {"name": name},
        "spec": {
            "modelName": _dns(plan.model),
            "aimId": plan.model,
            "modelId": recipe.weights.repo,
            "metric": _metric(recipe),
            "precision": _precision(recipe),
            "hardware": {"gpu": {"model": _gpu(recipe), "requests": len(plan.gpus)}},
            "customProfile": {"engineArgs": _portable(plan), "envVars": dict(plan.env)},
        },
    }
    model = {
        "apiVersion": "aim.eai.amd.com/v1alpha1",
        "kind": "AIMModel",
        "metadata": {"name": _dns(plan.model)},
        "spec": {"image": _AIM_BASE},
    }
    service = {
        "apiVersion": "aim.eai.amd.com/v1alpha1",
        "kind": "AIMService",
        "metadata": {"name": name},
        "spec": {
            "model": {"name": _dns(plan.model)},
            "template": {"name": name},
            "env": [_secret("HF_TOKEN", "hf-token", "token")],
        },
    }
    return "---\n".join(map(_yaml, (model, template, service)))


def _kserve(plan: Plan, recipe: Recipe) -> str:
    image = _IMAGES.get(plan.platform, _IMAGES["rocm"])
    gpus = {"amd.com/gpu": str(len(plan.gpus))} if plan.gpus else {}
    container: dict[str, Any] = {
        "name": "kserve-container",
        "image": f"{image}:v{plan.engine_version.partition('+')[0]}",
        "args": [*_served(plan, recipe), "--port", "8080"],
        "env": [
            *({"name": name, "value": value} for name, value in plan.env.items()),
            _secret("HF_TOKEN", "hf-token", "token"),
            _secret("VLLM_API_KEY", "vllm-api-key", "key"),
        ],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": {"limits": gpus, "requests": gpus},
        "startupProbe": {
            "httpGet": {"path": "/health", "port": 8080},
            "periodSeconds": 10,
            "failureThreshold": 360,
        },
        "volumeMounts": [{"name": "dshm", "mountPath": "/dev/shm"}],  # noqa: S108 -- in the pod
    }
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": _dns(plan.model),
            "annotations": {"serving.kserve.io/deploymentMode": "RawDeployment"},
        },
        "spec": {
            "predictor": {
                "containers": [container],
                "volumes": [{"name": "dshm", "emptyDir": {"medium": "Memory"}}],
            }
        },
    }
    return _yaml(service)


def _secret(name: str, secret: str, key: str) -> dict[str, Any]:
    reference = {"name": secret, "key": key, "optional": True}
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}


def _gpu(recipe: Recipe) -> str:
    return "NONE" if recipe.gpu_model == "cpu" else recipe.gpu_model


def _precision(recipe: Recipe) -> str:
    return _AS_AMD.get(recipe.precision, recipe.precision)


def _metric(recipe: Recipe) -> str:
    return "throughput" if recipe.metric == "any" else recipe.metric


def _dns(text: str) -> str:
    """Return a name that Kubernetes takes: lower case, digits and dashes, at most 63 of them."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:63].strip("-")


def _yaml(data: Any) -> str:
    import yaml  # noqa: PLC0415 -- 20 ms that nothing else here needs

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


_WRITERS: dict[str, Callable[[Plan, Recipe], str]] = {
    "shell": _shell,
    "docker": _docker,
    "aim-profile": _aim_profile,
    "aim-service": _aim_service,
    "kserve": _kserve,
}
