"""A GGUF file written out as a folder, by an interpreter that has what that takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from aim_jupyter.core.cache import gguf_script

#: What the script asks of torch and transformers, as a model would answer it.
TORCH = "bfloat16 = 'bf16'"
TRANSFORMERS = """
import json
from pathlib import Path
class Config(dict):
    def to_dict(self): return {"hidden_size": 8, "quantization_config": {"quant_method": "gguf"}}
    @classmethod
    def from_dict(cls, facts): return cls(facts)
class LlamaForCausalLM:
    def __init__(self, config): self.config, self.state = config, {}
    def to(self, dtype): self.config["dtype"] = dtype; return self
    def state_dict(self): return {"w": 1}
    def load_state_dict(self, state): self.state = state
    def save_pretrained(self, folder):
        Path(folder, "config.json").write_text(json.dumps([self.config, self.state]))
class AutoModelForCausalLM:
    @staticmethod
    def from_pretrained(**source):
        assert source["gguf_file"] == "model.gguf", source
        return LlamaForCausalLM(Config())
class AutoTokenizer:
    @staticmethod
    def from_pretrained(**source): return AutoTokenizer()
    def save_pretrained(self, folder): Path(folder, "tokenizer.json").write_text("{}")
"""


def test_weights_are_written_plain_with_their_class_and_tokenizer(tmp_path: Path) -> None:
    tools, folder = tmp_path / "tools", tmp_path / "out"
    for path in (tools, folder):
        path.mkdir()
    (tools / "torch.py").write_text(TORCH)
    (tools / "transformers.py").write_text(TRANSFORMERS)
    file = tmp_path / "model.gguf"
    argv = [sys.executable, "-I", gguf_script.__file__, str(tools), str(file), str(folder)]
    subprocess.run(argv, check=True)
    config, state = json.loads((folder / "config.json").read_text())
    assert config == {
        "hidden_size": 8, "architectures": ["LlamaForCausalLM"], "dtype": "bf16",
    }  # fmt: skip
    assert state == {"w": 1}
    assert (folder / "tokenizer.json").exists()
