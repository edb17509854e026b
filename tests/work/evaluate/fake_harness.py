"""An lm_eval of a few lines, and an environment that has it, for tests without the real one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from aim_jupyter.work.evaluate import environment

EVALUATE = """
import json, os, pathlib, sys, time
def simple_evaluate(model, model_args, tasks, **options):
    said = {"model": model, "args": model_args, "tasks": tasks, **options, "argv": sys.argv}
    said = {name: value for name, value in said.items() if name != "task_manager"}
    key = os.environ["OPENAI_API_KEY"]
    place = pathlib.Path(os.environ["HARNESS_SAID"])
    with place.open("a") as file:
        file.write(json.dumps({**said, "key": len(key)}) + "\\n")
    print("a table for people")
    if "slow" in tasks:
        time.sleep(600)
    if "broken" in tasks:
        raise RuntimeError("no more tokens")
    return {
        "results": {
            name: {"alias": name, "acc,none": 0.75, "acc_stderr,none": 0.1, "f1,strict": 0.5,
                   "f1_stderr,strict": "N/A"}
            for name in tasks
        },
        "n-samples": {
            name: {"original": 100, "effective": options["limit"] or 100} for name in tasks
        },
        "versions": {name: 1.0 for name in tasks},
        "samples": {
            name: [{
                "doc_id": 0, "target": "yes", "resps": [["no"]], "filtered_resps": ["no"],
                "filter": "none", "metrics": ["acc"], "acc": 0.0,
                "arguments": [("Is it?", " yes"), ("Is it?", " no")],
            }]
            for name in tasks
        },
    }
"""
TASKS = """
import pathlib
class _Task:
    def __init__(self, kind):
        self.OUTPUT_TYPE = kind
class TaskManager:
    def __init__(self, include_path):
        own = [file.stem for file in pathlib.Path(include_path).glob("*.yaml")]
        self.all_tasks = ["arc", "broken", "gsm", "mixed", "slow", *own]
    def load(self, name):
        kinds = {"gsm": ["generate_until"], "mixed": ["generate_until", "multiple_choice"]}
        found = kinds.get(name, ["multiple_choice"])
        return {"tasks": {str(at): _Task(kind) for at, kind in enumerate(found)}}
"""


def package(folder: Path) -> Path:
    """Write the package, and return the folder to import it from."""
    (folder / "lm_eval").mkdir(parents=True)
    (folder / "lm_eval/__init__.py").write_text(EVALUATE)
    (folder / "lm_eval/tasks.py").write_text(TASKS)
    return folder


def installed(folder: Path) -> Path:
    """Write an environment that has it, and return the file in which it says what it was asked."""
    python = environment.folder() / "bin/python"
    python.parent.mkdir(parents=True)
    said = folder / "harness-said"
    python.write_text(
        "#!/bin/sh\n"
        f"export PYTHONPATH={shlex.quote(str(package(folder / 'site')))}\n"
        f"export HARNESS_SAID={shlex.quote(str(said))}\n"
        f'exec {shlex.quote(sys.executable)} "$@"\n'
    )
    python.chmod(0o755)
    return said
