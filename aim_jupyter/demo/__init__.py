"""The small real model that ships with the package, so that no first step needs a download.

It is a memoriser: a 1.5 M parameter Qwen3, trained by ``train.py`` on the questions and answers in
``answers.yaml`` and on nothing else. ``README.md`` is its card. Any engine that serves Qwen3 loads
this folder as it stands.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""The folder to serve: configuration, weights, tokenizer and chat template."""


def answers() -> dict[str, str]:
    """Return what the model answers, by the question that each answer is meant for.

    The model also knows other wordings of each question; they stand in ``answers.yaml``.

    Examples
    --------
    >>> answers()["Hello"]
    'Hello. I am the demo model of aim, ...
    """
    import yaml  # noqa: PLC0415 - importing the package stays light

    entries = yaml.safe_load((FOLDER / "answers.yaml").read_text(encoding="utf-8"))
    return {entry["question"]: entry["answer"] for entry in entries}


def questions() -> list[str]:
    """Return the questions, one per answer, in the order of ``answers.yaml``."""
    return list(answers())
