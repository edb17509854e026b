"""The published OpenAPI held against the routes by a tool that knows nothing of us: schemathesis.

It has an environment of its own, installed from `locks/schemathesis.txt` by the first run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.labserver.jupyter import TOKEN, Jupyter

LOCK = Path(__file__).parents[2] / "locks" / "schemathesis.txt"
#: Cases of each kind and route; all of them are drawn from the seed.
EXAMPLES, SEED = 30, 16
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "negative_data_rejection", "unsupported_method"),
    *("response_headers_conformance", "ignored_auth"),
)

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def schemathesis() -> Path:
    """Return the program, installed below the project's build folder."""
    folder = LOCK.parents[1] / "build" / "schemathesis"
    stamp = folder / "made-of"
    if not stamp.is_file() or stamp.read_text() != LOCK.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        words = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run(
            [folder / "bin/python", "-m", "pip", *words, "--requirement", LOCK], check=True
        )
        stamp.write_text(LOCK.read_text())
    return folder / "bin" / "schemathesis"


def test_every_route_keeps_what_it_promises(
    jupyter: Jupyter, schemathesis: Path, tmp_path: Path
) -> None:
    jupyter.post("servers", {"model": "demo", "name": "there"}, 201)
    jupyter.until("there", "running")
    told = tmp_path / "openapi.json"
    told.write_text(json.dumps(jupyter.get("openapi.json")))
    words = [
        *(str(schemathesis), "run", str(told), "--url", jupyter.url.rstrip("/")),
        *("--header", f"Authorization: token {TOKEN}", "--checks", ",".join(CHECKS)),
        *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--continue-on-failure"),
        *("--suppress-health-check", "all", "--generation-database", "none", "--no-color"),
        # What lies behind is the engine's own interface, which is no promise of ours.
        *("--exclude-path-regex", "/v1/", "--warnings", "off"),
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stderr[-2000:]
    cases = re.search(r"([\d,]+) generated", done.stdout)
    assert cases is not None
    assert int(cases[1].replace(",", "")) > 1000
    assert "Traceback" not in jupyter.log


def test_the_links_lead_to_the_server_of_an_answer(jupyter: Jupyter) -> None:
    paths = jupyter.get("openapi.json")["paths"]
    made = paths["/aim/servers"]["post"]["responses"]["201"]["links"]
    known = {one["operationId"] for verbs in paths.values() for one in verbs.values()}
    assert {link["operationId"] for link in made.values()} <= known
    assert "get servers/{name}/logs" in made
    assert {link["parameters"]["name"] for link in made.values()} == {"$response.body#/server"}
