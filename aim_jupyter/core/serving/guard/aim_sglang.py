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

from aim_guard import Guard, Keys, Message, Receive, Send

#: Settings with which SGLang serves from an application, or on a port, that the guard is not before.
UNGUARDED = (
    *("encoder_only", "grpc_mode", "smg_grpc_mode", "grpc_port", "smg_http_sidecar_port"),
    *("use_ray", "sidecar"),
)
#: The same, of its environment.
UNGUARDED_VARIABLES = ("SGLANG_RUST_SERVER",)


class Secret(str):
    """The key: SGLang writes all of its settings to its log, and this one as stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return what may be seen."""
        return "'***'"


class Admitted:
    """What the guard has let pass comes with the server's own key: a guest's is not SGLang's."""

    def __init__(self, app: Any, keys: Keys) -> None:
        self.app = app
        self.mine = (b"authorization", keys.expected)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass it on."""
        if "headers" in scope:
            others = [each for each in scope["headers"] if each[0] != self.mine[0]]
            scope = {**scope, "headers": [*others, self.mine]}
        await self.app(scope, receive, send)


def guarded(app: Any) -> None:
    """Put the guard around an application, outside of every middleware that it gets later."""
    build = app.build_middleware_stack

    def around() -> Guard:
        inner = Admitted(build(), Keys())
        return Guard(inner)

    app.build_middleware_stack = around


def refused(settings: Any) -> str:
    """Return the setting that would open a door without a guard, empty where none does."""
    named = ["--" + name.replace("_", "-") for name in UNGUARDED if getattr(settings, name, None)]
    # "0" and the like are SGLang's words for off.
    on = [name for name in UNGUARDED_VARIABLES if os.environ.get(name, "0").lower() in ("1", "true")]
    return " and ".join([*named, *on])


def main() -> None:
    """Start the server as ``sglang.launch_server`` does."""
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
