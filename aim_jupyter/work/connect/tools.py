"""What each program is told of a server, and in which file.

Where a program can read a key from a file or a variable, it is told of that and never of the key.
Sources, December 2026: jupyter-ai-jupyternaut's `config_models.py` (3.1), notebook-intelligence's
`config.json`, Continue's local blocks, Claude Code's `settings.json` (`apiKeyHelper`), LiteLLM's
`config.yaml` (``os.environ/``), Open WebUI's variables. vLLM serves ``/v1/messages`` itself.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Facts(NamedTuple):
    """What a program can be told of a server."""

    server: str
    url: str
    model: str
    key_file: Path
    key: str


#: A place in a document of JSON; a pair is the element of a list that has this name and value.
Place = tuple["str | tuple[str, str]", ...]


class Tool(NamedTuple):
    """One program.

    Attributes
    ----------
    name, title : str
        As it is asked for, and as it calls itself.
    file : callable
        Where it is told; None where the text goes into the user's own code.
    values : callable or None
        What is put into a document that is there, by place.
    text : callable or None
        All of a file of our own; else what is shown.
    reference : bool
        Whether it is told where the key is, and not the key.
    then : str
        What the user does next; ``{file}`` and ``{server}`` are filled in.
    """

    name: str
    title: str
    file: Callable[[Facts], Path] | None
    values: Callable[[Facts], dict[Place, Any]] | None = None
    text: Callable[[Facts], str] | None = None
    reference: bool = True
    then: str = ""


def _home(*parts: str) -> Path:
    return Path.home().joinpath(*parts)


def _jupyternaut(facts: Facts) -> dict[Place, Any]:
    name = f"custom-aim/{facts.server}"
    params = {"api_base": facts.url, "api_key": facts.key}
    model = {"id": name, "name": f"{facts.model} ({facts.server})"}
    entry = {**model, "model_id": f"hosted_vllm/{facts.model}", "params": params}
    return {("custom_models", ("id", name)): entry}


def _intelligence(facts: Facts) -> dict[Place, Any]:
    said = {"api_key": facts.key, "model_id": facts.model, "base_url": facts.url}
    properties = [{"id": name, "value": value} for name, value in said.items()]
    model = {"provider": "openai-compatible", "model": "openai-compatible-chat-model"}
    return {("chat_model",): {**model, "properties": properties}}


def _claude(facts: Facts) -> dict[Place, Any]:
    return {
        ("apiKeyHelper",): f"cat {shlex.quote(str(facts.key_file))}",
        ("env", "ANTHROPIC_BASE_URL"): facts.url.removesuffix("/v1"),
        ("env", "ANTHROPIC_MODEL"): facts.model,
    }


def _yaml(said: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - for whoever connects

    return str(yaml.safe_dump(said, sort_keys=False))


def _continue(facts: Facts) -> str:
    model = {"name": f"{facts.model} ({facts.server})", "provider": "vllm", "model": facts.model}
    entry = {**model, "apiBase": facts.url, "apiKey": facts.key}
    block = {"name": f"aim-{facts.server}", "version": "0.0.1", "schema": "v1", "models": [entry]}
    return _yaml(block)


def _litellm(facts: Facts) -> str:
    params = {"model": f"hosted_vllm/{facts.model}", "api_base": facts.url}
    entry = {**params, "api_key": "os.environ/OPENAI_API_KEY"}
    models = [{"model_name": facts.server, "litellm_params": entry}]
    return _yaml({"model_list": models})


def _webui(facts: Facts) -> str:
    said = {"OPENAI_API_BASE_URL": facts.url, "OPENAI_API_KEY": facts.key}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in said.items())


def _langchain(facts: Facts) -> str:
    return (
        "import aim_jupyter as aim\n"
        "from langchain_openai import ChatOpenAI\n\n"
        f"server = aim.attach({facts.server!r})\n"
        f"llm = ChatOpenAI(model={facts.model!r}, base_url=server.base_url, "
        "api_key=server.api_key)\n"
    )


def _data_dir() -> Path:
    """Return Jupyter's folder for data, as `jupyter_core` has it."""
    given = os.environ.get("JUPYTER_DATA_DIR")
    return Path(given) if given else _home(".local", "share", "jupyter")


TOOLS = (
    Tool(
        "jupyter-ai",
        "Jupyter AI (Jupyternaut)",
        lambda _: _data_dir() / "jupyter_ai" / "config.json",
        values=_jupyternaut,
        reference=False,
        then="restart JupyterLab and choose the model in the chat",
    ),
    Tool(
        "notebook-intelligence",
        "Notebook Intelligence",
        lambda _: _home(".jupyter", "nbi", "config.json"),
        values=_intelligence,
        reference=False,
        then="restart JupyterLab",
    ),
    Tool(
        "continue",
        "Continue",
        lambda facts: _home(".continue", "models", f"aim-{facts.server}.yaml"),
        text=_continue,
        reference=False,
        then="choose the model in Continue's list",
    ),
    Tool(
        "claude-code",
        "Claude Code",
        lambda _: _home(".claude", "settings.json"),
        values=_claude,
        then="start claude anew; the model has to know tools",
    ),
    Tool(
        "open-webui",
        "Open WebUI",
        lambda facts: _home(".config", "open-webui", f"aim-{facts.server}.env"),
        text=_webui,
        reference=False,
        then="set -a; . {file}; open-webui serve",
    ),
    Tool(
        "litellm",
        "LiteLLM",
        lambda facts: _home(".config", "litellm", f"aim-{facts.server}.yaml"),
        text=_litellm,
        then="aim-engine run {server} -- litellm --config {file}",
    ),
    Tool("langchain", "LangChain", None, text=_langchain, then="paste it into your code"),
)
"""Every program that there is an entry for."""


def told(tool: Tool, facts: Facts) -> str:
    """Return what a program is told, as text; a key that it must have is not shown."""
    if tool.text is not None:
        return tool.text(facts._replace(key="…"))
    values = tool.values(facts._replace(key="…")) if tool.values else {}
    shown: dict[str, Any] = {}
    for place, value in values.items():
        inside = shown
        for step in place[:-1]:
            inside = inside.setdefault(str(step), {}) if isinstance(place[-1], str) else inside
        if isinstance(place[-1], str):
            inside[place[-1]] = value
        else:
            inside[str(place[-2])] = [value]
    return json.dumps(shown, indent=2, ensure_ascii=False)
