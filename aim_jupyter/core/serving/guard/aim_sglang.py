"""Starts SGLang's server with the guard before all of its routes: ``python -m aim_sglang ARGS``.

SGLang has no option for a middleware, and its own ``--api-key`` leaves ``/metrics``, ``/ready`` and
whatever begins with ``/health`` open, and would be read by everybody in the list of processes. So
the key comes in the environment, the guard is put around the finished application, and SGLang's own
check stands behind it with the same key: it is also what SGLang warms itself up with.

Run by the engine's interpreter: it needs the standard library, `aim_guard`, and SGLang 0.5.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

# Beside this file: both lie in a folder on the engine's path, and in no package of it.
aim_guard = importlib.import_module("aim_guard")

#: Settings with which SGLang serves from another application or on another port than the guarded.
UNGUARDED = (
    *("encoder_only", "grpc_mode", "smg_grpc_mode", "grpc_port", "smg_http_sidecar_port"),
    *("use_ray", "sidecar"),
)
#: The same, of its environment.
UNGUARDED_VARIABLES = ("SGLANG_RUST_SERVER",)
ON = ("1", "true", "yes", "y")


class Secret(str):
    """The key: SGLang writes all of its settings to its log, and this one as stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return what may be seen."""
        return "'***'"


def guarded(app: Any) -> None:
    """Put the guard around an application, outside of every middleware that it gets later."""
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: aim_guard.Guard(build())


def refused(settings: Any) -> str:
    """Return the setting that would open a door without a guard, empty where none does."""
    named = ["--" + name.replace("_", "-") for name in UNGUARDED if getattr(settings, name, None)]
    on = [name for name in UNGUARDED_VARIABLES if os.environ.get(name, "").lower() in ON]
    return " and ".join([*named, *on])


def main() -> None:
    """Start the server as ``sglang.launch_server`` does."""
    torch = importlib.import_module("torch").version
    if not torch.hip and not torch.cuda:
        # Built for no GPU: SGLang takes the CPU only when it is told so.
        os.environ.setdefault("SGLANG_USE_CPU_ENGINE", "1")
    version = importlib.import_module("sglang.version").__version__
    sys.stdout.write("SGLang " + version + " starts\n")
    launcher = importlib.import_module("sglang.launch_server")
    launcher.load_plugins()
    settings = importlib.import_module("sglang.srt.server_args").prepare_server_args(sys.argv[1:])
    door = refused(settings)
    if door:
        sys.exit("aim_sglang: the key does not guard what " + door + " opens")
    settings.api_key = Secret(os.environ[os.environ["AIM_KEY_VARIABLE"]])
    guarded(importlib.import_module("sglang.srt.entrypoints.http_server").app)
    try:
        launcher.run_server(settings)
    finally:
        launcher.kill_process_tree(os.getpid(), include_parent=False)


if __name__ == "__main__":
    # By its own name: what goes to SGLang's other processes must be found again there.
    importlib.import_module("aim_sglang").main()
