"""What programs are told, as each reads it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from aim_jupyter.work.connect.tools import TOOLS, Facts, told

BY_NAME = {tool.name: tool for tool in TOOLS}


def facts(tmp_path: Path) -> Facts:
    key = tmp_path / "a key"
    key.write_text("secret\n")
    return Facts("demo", "http://127.0.0.1:8000/v1", "Org/M", key, "secret")


def test_claude_code_asks_a_command_for_the_key(tmp_path: Path) -> None:
    values = BY_NAME["claude-code"].values
    assert values is not None
    said = values(facts(tmp_path))
    assert said["env", "ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8000"
    done = subprocess.run(
        said["apiKeyHelper",], shell=True, capture_output=True, text=True, check=True
    )
    assert done.stdout == "secret\n"


def test_yaml_is_what_each_reads(tmp_path: Path) -> None:
    litellm, block = BY_NAME["litellm"].text, BY_NAME["continue"].text
    assert litellm is not None
    assert block is not None
    (model,) = yaml.safe_load(litellm(facts(tmp_path)))["model_list"]
    assert model["litellm_params"]["api_key"] == "os.environ/OPENAI_API_KEY"
    (entry,) = yaml.safe_load(block(facts(tmp_path)))["models"]
    assert entry["apiBase"].endswith("/v1")


def test_no_key_is_shown(tmp_path: Path) -> None:
    for tool in TOOLS:
        assert "secret" not in told(tool, facts(tmp_path))
