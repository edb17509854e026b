"""Serve language models from a notebook on AMD GPUs.

In a notebook: ``%load_ext aim_jupyter``, then ``%aim``. In Python the same verbs are functions::

    import aim_jupyter as aim

    server = aim.launch("demo").wait()
    server.client.chat.completions.create(...)

Importing this package reads nothing from disk and imports none of pandas, openai, ipywidgets,
torch or vllm: each is loaded by the first verb that needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from aim_jupyter.core.errors import AimError
    from aim_jupyter.verbs import (
        answer,
        ask,
        attach,
        bench,
        cache,
        cache_evict,
        cache_pin,
        cache_prefetch,
        cache_stats,
        cache_unpin,
        cache_verify,
        cache_why,
        client,
        compare,
        drift,
        embed,
        engines,
        evaluate,
        events,
        exported,
        fit,
        fit_history,
        gateway,
        gpus,
        launch,
        logs,
        map,
        metrics,
        plan,
        plot,
        provenance,
        ps,
        queue,
        recipes,
        replay,
        rerank,
        run,
        runs,
        status,
        stop,
        usage,
        wait,
        why,
    )
    from aim_jupyter.verbs.keeping import RunHandle
    from aim_jupyter.verbs.server import Server

__version__ = "0.1.0"

__all__ = [
    "AimError",
    "RunHandle",
    "Server",
    "answer",
    "ask",
    "attach",
    "bench",
    "cache",
    "cache_evict",
    "cache_pin",
    "cache_prefetch",
    "cache_stats",
    "cache_unpin",
    "cache_verify",
    "cache_why",
    "client",
    "compare",
    "drift",
    "embed",
    "engines",
    "evaluate",
    "events",
    "exported",
    "fit",
    "fit_history",
    "gateway",
    "gpus",
    "launch",
    "logs",
    "map",
    "metrics",
    "plan",
    "plot",
    "provenance",
    "ps",
    "queue",
    "recipes",
    "replay",
    "rerank",
    "run",
    "runs",
    "status",
    "stop",
    "usage",
    "wait",
    "why",
]

_ELSEWHERE = {
    "AimError": "aim_jupyter.core.errors",
    "RunHandle": "aim_jupyter.verbs.keeping",
    "Server": "aim_jupyter.verbs.server",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE.get(name, "aim_jupyter.verbs")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%aim``; what ``%load_ext aim_jupyter`` calls. It prints nothing."""
    from aim_jupyter.notebook.magics import load  # noqa: PLC0415 - needs IPython, the Python API does not

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take back what `load_ipython_extension` registered."""
    from aim_jupyter.notebook.magics import unload  # noqa: PLC0415

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    # Jupyter Server asks for this; tornado is imported only by the module that it names.
    return [{"module": "aim_jupyter.labserver"}]
