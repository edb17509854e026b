"""Run by the engine's interpreter: the names of vLLM's registry, and what their sources can do.

Read, not imported: half of the classes that see want packages which an engine for the CPU lacks.
"""

import ast
import json
import re
import sys
from pathlib import Path

from vllm.model_executor.models import registry

SECTIONS = ("TEXT_GENERATION", "EMBEDDING", "LATE_INTERACTION", "REWARD", "TOKEN_CLASSIFICATION",
            "SEQUENCE_CLASSIFICATION", "MULTIMODAL")  # fmt: skip
LIMITS = re.compile(r"def get_supported_mm_limits\(.*?(?=\n    def |\nclass |\Z)", re.DOTALL)
FOLDER = Path(registry.__file__).parent
ROOT = FOLDER.parents[2]
section = {name: set(getattr(registry, f"_{name}_MODELS")) for name in SECTIONS}
WRITES = section["TEXT_GENERATION"] | section["MULTIMODAL"]


def source(module: str) -> str:
    """Return the text of a module, named as the registry does: in its folder, or whole."""
    place = ROOT.joinpath(*module.split(".")) if module.startswith("vllm.") else FOLDER / module
    files = [place.with_suffix(".py")] if not place.is_dir() else sorted(place.rglob("*.py"))
    return "\n".join(file.read_text() for file in files)


def takes(name: str, limits: str) -> set[str]:
    """Return what is put in beside text; what says nothing inherits it from one that sees."""
    said = set(re.findall('"(image|video|audio)"', limits))
    hears = {"audio"} if "audio" in said or re.search("Speech|ASR|Asr", name) else set()
    return hears | ({"vision"} if said - {"audio"} or "super()" in limits or not hears else set())


def does(name: str) -> set[str]:
    """Return what an architecture does beside writing text; ``pools``: in its place."""
    module, cls = registry._VLLM_MODELS[name]
    text = source(module)
    found = set()
    if name in section["MULTIMODAL"]:
        found |= takes(name, "".join(LIMITS.findall(text)))
    bases = [base for each in ast.walk(ast.parse(text)) if isinstance(each, ast.ClassDef)
             and each.name == cls for base in map(ast.unparse, each.bases)]  # fmt: skip
    if "SupportsTranscription" in bases:
        found.add("speech")
        found |= {"silent"} if "supports_transcription_only = True" in text else set()
    if name in section["LATE_INTERACTION"]:
        return found | {"late"}
    return found if name in WRITES else found | {"pools"}


names = set().union(*section.values())
drafters = set(registry._SPECULATIVE_DECODING_MODELS)
abilities: dict[str, list[str]] = {}
for name in sorted(names - drafters):
    for word in does(name):
        abilities.setdefault(word, []).append(name)
answer = {"models": sorted(names - drafters), "drafters": sorted(drafters), "does": abilities}
sys.stdout.write("\n" + json.dumps(answer, sort_keys=True) + "\n")
