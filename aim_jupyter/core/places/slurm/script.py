"""The batch script of a server: pure. Its one command is our own supervisor."""

from __future__ import annotations

import math
import re
import shlex

from aim_jupyter.core.places.place import Order
from aim_jupyter.core.places.site import Site

_VARIABLE = re.compile(r"\$(\w+|\{\w+\})")


def options(site: Site, order: Order) -> list[str]:
    """Return the words that a submission takes, for a job of one task."""
    said = {
        "job-name": f"aim-{order.name}",
        "partition": order.partition or site.partition,
        "account": site.account,
        "qos": site.qos,
        "nodes": "1",
        "ntasks": "1",
        "time": str(math.ceil(order.lifetime_s / 60)) if order.lifetime_s else "",
        # To the command alone, before the end: its engine is its own to end.
        "signal": f"B:TERM@{margin_s}" if (margin_s := _margin_s(site, order)) else "",
        "output": str(order.log).replace("%", "%%"),
        "open-mode": "append",
        **_share(site, order.gpus),
    }
    words = [f"--{name}={value}" for name, value in said.items() if value]
    return [*words, "--requeue" if site.requeue else "--no-requeue", *site.options]


def _margin_s(site: Site, order: Order) -> int:
    """Return how long before its end a job is told: of a short one no more than a quarter."""
    most = order.lifetime_s / 4 if order.lifetime_s else site.margin_s
    return round(min(site.margin_s, most))


def _share(site: Site, gpus: int) -> dict[str, str]:
    """Return what of a node is asked for."""
    if not gpus:
        return {}
    said = {
        # ``gpu:mi250`` is a word of --gres; the other takes the kind and the count.
        "gres": f"{site.gres}:{gpus}" if site.request == "gres" else "",
        "gpus-per-node": _of_kind(site.gres, gpus) if site.request == "gpus-per-node" else "",
        "cpus-per-task": str(site.cpus_per_gpu * gpus) if site.cpus_per_gpu else "",
        "mem": f"{site.memory_per_gpu_gib * gpus}G" if site.memory_per_gpu_gib else "",
    }
    return {name: value for name, value in said.items() if value}


def _of_kind(gres: str, gpus: int) -> str:
    kind = gres.partition(":")[2]
    return f"{kind}:{gpus}" if kind else str(gpus)


def text(site: Site, order: Order) -> str:
    """Return the script that is handed in."""
    lines = ["#!/bin/sh", *(f"#SBATCH {word}" for word in map(_directive, options(site, order)))]
    lines += ["", *body(site, order)]
    return "\n".join(lines) + "\n"


def body(site: Site, order: Order) -> list[str]:
    """Return what runs on the node: the site's own lines, then the command in their place."""
    exports = [f"export {name}={_quoted(value)}" for name, value in site.env.items()]
    ours = [f"export {name}={shlex.quote(value)}" for name, value in order.env.items()]
    wrap = " ".join(map(_quoted, site.wrap))
    command = " ".join(filter(None, (wrap, shlex.join(order.command))))
    return [*site.setup, *exports, *ours, f"exec {command}"]


def _directive(word: str) -> str:
    return word if re.fullmatch(r"[\w.,:=+@%/\[\]-]+", word) else f'"{word}"'


def _quoted(value: str) -> str:
    """Return a word of which a shell expands the variables, and nothing else."""
    parts, last = [], 0
    for found in _VARIABLE.finditer(value):
        parts += [_plain(value[last : found.start()]), f'"{found.group()}"']
        last = found.end()
    return "".join([*parts, _plain(value[last:])]) or "''"


def _plain(text: str) -> str:
    return shlex.quote(text) if text else ""
