"""Runs lm-evaluation-harness; in the interpreter of its own environment, as a script.

It reads one JSON object from its input, and writes a line of JSON for each part that it has done.
Tasks that want the probabilities of given answers go by the completions route, since the chat route
has none of a prompt; those whose answers are written go by the chat route where the model has a
template for it. It was written for 0.4.13.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: What an answer is asked for by that is written.
WRITTEN = "generate_until"
#: Facts of a task's result that are no figure of it.
_FACTS = ("alias", "sample_len", "name", "sample_count")


def main() -> None:
    """Answer what is asked."""
    out = os.dup(1)
    # Its bars and tables go with the errors.
    os.dup2(2, 1)
    wanted = json.loads(sys.stdin.read())
    for part in evaluated(wanted):
        os.write(out, json.dumps(part, default=str).encode() + b"\n")


def evaluated(wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the scores and samples of the tasks of each route, or why there are none."""
    tasks = importlib.import_module("lm_eval.tasks")
    manager = tasks.TaskManager(include_path=wanted["folder"])
    unknown = [name for name in wanted["tasks"] if name not in manager.all_tasks]
    if unknown:
        yield {"unknown": unknown, "known": sorted(manager.all_tasks)}
        return
    for route, names in _routes(manager, wanted):
        yield _run(route, names, manager, wanted)


def _routes(manager: Any, wanted: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return which tasks go by which route."""
    chat = wanted["chat"]
    parts: dict[str, list[str]] = {"completions": [], "chat": []}
    for name in wanted["tasks"]:
        found = manager.load(name)["tasks"].values()
        written = all(task.OUTPUT_TYPE == WRITTEN for task in found)
        parts["chat" if written and chat else "completions"].append(name)
    return [(route, names) for route, names in parts.items() if names]


def _run(route: str, names: list[str], manager: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    lm_eval = importlib.import_module("lm_eval")
    chat = route == "chat"
    model = "local-chat-completions" if chat else "local-completions"
    result = lm_eval.simple_evaluate(
        model=model,
        model_args={
            "model": wanted["model"],
            "base_url": f"{wanted['base_url']}/{'chat/completions' if chat else 'completions'}",
            "tokenizer": wanted["tokenizer"],
            "tokenizer_backend": "huggingface",
            "num_concurrent": wanted["at_once"],
            "max_length": wanted["context"],
            "max_retries": 3,
        },
        tasks=names,
        num_fewshot=wanted["shots"],
        limit=wanted["limit"],
        task_manager=manager,
        apply_chat_template=chat,
        # What was answered before an interrupt is not asked again.
        use_cache=str(Path(wanted["folder"]) / route),
        log_samples=True,
        bootstrap_iters=1000,
    )
    return {"route": route, "scores": list(scores(result, route)), "samples": samples(result)}


def scores(result: dict[str, Any], route: str) -> Iterator[dict[str, Any]]:
    """Yield the figures of a result: ``acc,none`` is the metric and what was filtered."""
    for task, figures in result["results"].items():
        counts = (result.get("n-samples") or {}).get(task) or {}
        for name, value in figures.items():
            metric, _, filtered = name.partition(",")
            if name in _FACTS or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            error = figures.get(f"{metric}_stderr,{filtered}")
            yield {
                "task": task,
                "metric": metric,
                "filter": filtered or "none",
                "score": float(value),
                "error": float(error) if isinstance(error, int | float) else None,
                "samples": counts.get("effective", 0),
                "of": counts.get("original", 0),
                "route": route,
                "version": str((result.get("versions") or {}).get(task, "")),
            }


def samples(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each question, what was wanted, what came, and what it counted."""
    found = []
    for task, asked in (result.get("samples") or {}).items():
        for one in asked:
            metrics = {name: one[name] for name in one.get("metrics", ()) if name in one}
            asked_for = next(iter(one.get("arguments") or [("",)]))[0]
            # A chat is JSON in a record of its own.
            prompt = str(getattr(asked_for, "prompt", asked_for))
            answer = one.get("filtered_resps") or one.get("resps")
            found.append(
                {
                    "task": task,
                    "sample": one["doc_id"],
                    "prompt": prompt,
                    "target": str(one.get("target", "")),
                    "answer": answer if isinstance(answer, str) else json.dumps(answer),
                    "filter": one.get("filter", "none"),
                    "metrics": metrics,
                }
            )
    return found


if __name__ == "__main__":
    main()
