"""Write a GGUF file out as a folder that an engine serves; run by the engine's interpreter.

``python -I gguf_script.py TOOLS FILE FOLDER``: TOOLS is a folder with what transformers wants
beside itself to read such a file. `save_pretrained` of what it has read refuses ("quantized with
GGUF and is not serializable", transformers 5.19), so the weights are put into a plain model of the
same architecture first.
"""

import sys
from pathlib import Path


def main(tools: str, file: str, folder: str) -> None:
    """Read `file`, and save weights, configuration, tokenizer and chat template in `folder`."""
    sys.path.insert(0, tools)
    import torch  # noqa: PLC0415 - `tools` has to be on the path first
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    source = {"pretrained_model_name_or_path": str(Path(file).parent), "gguf_file": Path(file).name}
    read = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16)
    facts = {k: v for k, v in read.config.to_dict().items() if k != "quantization_config"}
    facts["architectures"] = [type(read).__name__]
    plain = type(read)(type(read.config).from_dict(facts)).to(torch.bfloat16)
    plain.load_state_dict(read.state_dict())
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
