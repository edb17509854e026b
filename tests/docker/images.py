"""Images without docker: Debian's buildah, and as their base what mmdebstrap makes of Debian.

The engine for the CPU takes the place of ROCm. It is not copied into the base (3 GB, minutes):
its packages are mounted read-only at `ENGINE` while the image is built and while it runs, and the
base's interpreter has that folder on its path. To pip they are installed, in another folder.

All that is written lies on a tmpfs where there is one: dpkg and overlays sync what will not last.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aim_jupyter.core import engines

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker/Dockerfile"
ENGINE = "/opt/engine"
BASE, IMAGE = "localhost/base", "localhost/aim-engine"
PROGRAMS = ("buildah", "mmdebstrap", "runc", "nsenter")
_TRIED = "/usr/bin/true"
_CERTIFICATES = Path("/etc/ssl/certs")
_VENV = "/opt/venv"
_SETUP = (
    f"python3 -m venv --without-pip {_VENV}"
    f" && echo {ENGINE} > $(echo {_VENV}/lib/python3.*/site-packages)/engine.pth"
)
_PATH = f"{_VENV}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Store:
    """A place for images of its own, with what is built in it.

    Parameters
    ----------
    folder : Path
        Where all of it lies.
    packages : Path
        Of the engine; mounted at `ENGINE`.
    """

    def __init__(self, folder: Path, packages: Path) -> None:
        self.folder = folder
        self.packages = packages
        self._pip = _pip(folder)

    def buildah(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of buildah's on this store."""
        place = [f"--root={self.folder / 'root'}", f"--runroot={self.folder / 'run'}"]
        argv = ["buildah", *place, "--storage-driver=overlay", *map(str, words)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}")
        return done

    def said(self, *words: str | Path) -> str:
        """Return what a command of buildah's says."""
        return self.buildah(*words).stdout.strip()

    def make_base(self) -> None:
        """Make `BASE`: Debian with an interpreter that has the engine on its path.

        libnuma is what the engine for the CPU is linked to, and no package of pip's has.
        """
        archive = self.folder / "base.tar"
        argv = [
            *("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root"),
            *("--dpkgopt=force-unsafe-io", "--aptopt=Acquire::Languages none"),
            *("--include=python3,ca-certificates,libnuma1", release(), str(archive)),
        ]
        made = subprocess.run(
            argv, env={"TMPDIR": str(self.folder), "PATH": _PATH}, capture_output=True, check=False
        )
        assert made.returncode == 0, made.stderr.decode()
        container = self.said("from", "scratch")
        self.buildah("add", "-q", container, archive, "/")
        self.buildah("run", "--isolation", "chroot", container, "--", "sh", "-c", _SETUP)
        self.buildah("config", "--env", f"PATH={_PATH}", container)
        self.buildah("commit", "-q", "--rm", container, BASE)
        archive.unlink()

    def build(
        self, context: Path, *words: str, engine: bool = True, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Build the image from a context; without `engine` the base has none."""
        mounted = [f"--volume={self.packages}:{ENGINE}:ro"] if engine else []
        if _CERTIFICATES.is_dir():
            mounted += [f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro"]
        return self.buildah(
            *("bud", "--isolation", "chroot", "--format", "docker", "--layers"),
            *("--build-arg", f"BASE={BASE}", *mounted, f"--secret=id=pip.conf,src={self._pip}"),
            *("-f", str(DOCKERFILE), "-t", IMAGE, *words, str(context)),
            check=check,
        )

    def clear(self) -> None:
        """Remove all containers, and unmount what holds the folder."""
        self.buildah("umount", "--all", check=False)
        self.buildah("rm", "--all", check=False)
        mounted = self.folder / "root/overlay"
        subprocess.run(["umount", mounted], capture_output=True, check=False)

    def config(self) -> dict[str, Any]:
        """Return what the image says of itself, as docker reads it."""
        told = json.loads(self.said("inspect", "--type", "image", IMAGE))
        return dict(told["Docker"]["config"])

    def layers(self) -> list[tuple[str, int]]:
        """Return what made each layer, and its bytes; the base's is the first."""
        told = json.loads(self.said("inspect", "--type", "image", IMAGE))
        history = told["Docker"]["history"]
        made = [each["created_by"] for each in history if not each.get("empty_layer")]
        known = json.loads((self.folder / "root/overlay-layers/layers.json").read_text())
        sizes = {each.get("diff-digest"): each.get("diff-size", 0) for each in known}
        digests = told["Docker"]["rootfs"]["diff_ids"]
        return list(zip(made, (sizes[digest] for digest in digests), strict=True))


@contextlib.contextmanager
def store() -> Iterator[Store]:
    """Give a store, and leave nothing of it."""
    folder = Path(tempfile.mkdtemp(prefix="aim-image-", dir=_place()))
    folder.chmod(0o755)
    made = Store(folder, packages())
    try:
        yield made
    finally:
        made.clear()
        shutil.rmtree(folder)


def _place() -> Path | None:
    """Return where images are kept in memory, None where there is no room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30
    return memory if roomy else None


def lacking() -> str:
    """Return in one line why images can't be built and run on this machine, empty where they can.

    What a sandbox may forbid is tried in small, with the host's own programs in an empty image:
    mounts, a chroot, namespaces, control groups.
    """
    if os.getuid() != 0:
        return "images are built as root here"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed: apt-get install buildah mmdebstrap runc"
    with tempfile.TemporaryDirectory(prefix="aim-try-", dir=_place()) as name:
        tried = Store(Path(name), Path("/usr"))
        try:
            container = tried.said("from", "scratch")
            root = Path(tried.said("mount", container))
            _furnish(root)
            tried.buildah(*("run", "--isolation", "chroot", container, "--", _TRIED))
            _run_once(root)
        except AssertionError as error:
            return f"images can't be run here: {str(error).strip().splitlines()[-1]}"
        finally:
            tried.clear()
    return ""


def _furnish(root: Path) -> None:
    """Put the least into an image's root that a container can be seen to work by."""
    told = subprocess.run(["ldd", _TRIED], capture_output=True, text=True, check=True).stdout
    for file in (_TRIED, *re.findall(r"/\S+", told)):
        place = root / file.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)


def _run_once(root: Path) -> None:
    bundle = root.parent / "tried"
    bundle.mkdir()
    subprocess.run(["runc", "spec", "--bundle", bundle], check=True)
    written = bundle / "config.json"
    config = json.loads(written.read_text())
    config["process"] |= {"terminal": False, "args": [_TRIED]}
    config["root"] = {"path": str(root), "readonly": True}
    written.write_text(json.dumps(config))
    argv = ["runc", "run", "--bundle", str(bundle), f"aim-try-{os.getpid()}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def packages() -> Path:
    """Return the folder of the packages of the engine that is installed here."""
    found = next(each for each in engines.find() if each.source == "managed" and each.usable)
    (folder,) = Path(found.python).parents[1].resolve().glob("lib/python3*/site-packages")
    return folder


def release() -> str:
    """Return the name of the Debian that this is: its Python is the engine's."""
    lines = Path("/etc/os-release").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("VERSION_CODENAME="))


def _pip(folder: Path) -> Path:
    """Write down how pip is set up here, for the build: its index and its certificates."""
    asked = ["python3", "-m", "pip", "config", "list"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    options = {}
    for line in said.splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in ("index-url", "cert", "proxy", "trusted-host", "default-timeout"):
            options[option] = value.strip("'")
    lines = ["[global]", *(f"{option} = {value}" for option, value in options.items())]
    path = folder / "pip.conf"
    path.write_text("\n".join(lines) + "\n")
    return path
