"""The one core that every front end calls: magics, command, Python API and REST.

Each function answers with records of `aim_jupyter.core.records` or raises an `AimError`; none
prints, and none knows how its answer will be shown.
"""

from aim_jupyter.core.api.lines import launch_line, with_variables
from aim_jupyter.core.api.plans import (
    DEMO,
    check_recipe,
    default_model,
    export,
    fit,
    fits,
    new_recipe,
    plan,
    plan_for,
    plans_for,
    recipe_list,
    starts,
)
from aim_jupyter.core.api.servers import (
    DRAIN_S,
    attach,
    cache_totals,
    follow_logs,
    launch,
    logs,
    metrics,
    models_on_disk,
    overview,
    reachable,
    server,
    servers,
    start_failed,
    status,
    stop,
    wait,
    watch,
)
from aim_jupyter.core.api.site import doctor, engine_list, install_engine, machine

__all__ = [
    "DEMO",
    "DRAIN_S",
    "attach",
    "cache_totals",
    "check_recipe",
    "default_model",
    "doctor",
    "engine_list",
    "export",
    "fit",
    "fits",
    "follow_logs",
    "install_engine",
    "launch",
    "launch_line",
    "logs",
    "machine",
    "metrics",
    "models_on_disk",
    "new_recipe",
    "overview",
    "plan",
    "plan_for",
    "plans_for",
    "reachable",
    "recipe_list",
    "server",
    "servers",
    "start_failed",
    "starts",
    "status",
    "stop",
    "wait",
    "watch",
    "with_variables",
]
