"""The headers of a checkpoint from a Hub, within their time."""

from __future__ import annotations

import json
import struct
import time

import pytest

from aim_jupyter.core import api, cache, fit
from aim_jupyter.core.cache import headers
from aim_jupyter.core.choice import checkpoints
from aim_jupyter.core.errors import ModelMissing, Offline, UnknownName
from aim_jupyter.core.records.fit import Settings
from tests.hub import Hub, model_files

REPO = "Org/Small-1B"
TENSORS = {
    "model.embed_tokens.weight": ("BF16", [512, 64]),
    **{
        f"model.layers.{layer}.{part}.weight": ("BF16", shape)
        for layer in range(2)
        for part, shape in {
            "self_attn.q_proj": [64, 64],
            "self_attn.k_proj": [32, 64],
            "self_attn.v_proj": [32, 64],
            "self_attn.o_proj": [64, 64],
            "mlp.gate_proj": [128, 64],
            "mlp.up_proj": [128, 64],
            "mlp.down_proj": [64, 128],
        }.items()
    },
}


def safetensors(tensors: dict[str, tuple[str, list[int]]] | None = None) -> bytes:
    """Return a file of a megabyte whose header names `tensors`."""
    entries = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]}
        for name, (dtype, shape) in (TENSORS if tensors is None else tensors).items()
    }
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(1_000_000)


@pytest.fixture(autouse=True)
def _nobody_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "_unreachable_until", 0.0)
    monkeypatch.setattr(headers, "_inquiries", {})
    checkpoints._on_hub.cache_clear()
    from huggingface_hub import HfApi  # noqa: F401, PLC0415 - a second that no limit shall count


def test_a_hub_is_asked_for_the_headers_alone(hub: Hub) -> None:
    hub.repos[REPO] = model_files(**{"model.safetensors": safetensors()})
    found = cache.fetch_headers(REPO)
    assert {entry.name for entry in found} == set(TENSORS)
    assert sum(hub.served.values()) < 200_000, "of a megabyte"


def test_the_verdict_says_where_the_weights_were_counted(hub: Hub) -> None:
    hub.repos[REPO] = model_files(**{"model.safetensors": safetensors()})
    config = json.loads(model_files()["config.json"])
    model = fit.architecture(config)
    counted = checkpoints.weights(REPO, None, model, Settings(), online=True)
    assert counted is not None
    assert counted[1] == checkpoints.ON_HUB
    assert counted[0].low == 2 * (512 * 64 + 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 128 * 64))
    assert checkpoints.weights(REPO, None, model, Settings()) is None, "nobody said to ask"

    answered = api.fit({"model": REPO, "machine": "mi300x:1"})
    term = next(term for term in answered.fit.terms if term.name == "weights")
    assert (term.basis, term.note) == ("exact", checkpoints.ON_HUB)
    assert answered.fit.verdict == "FITS"


def test_a_hub_that_is_slow_costs_its_time_once_and_answers_later(hub: Hub) -> None:
    hub.repos[REPO] = model_files(**{"model.safetensors": safetensors()})
    hub.hold = True  # the second half of a part comes when all is over
    began = time.monotonic()
    with pytest.raises(Offline, match="can't be reached for the headers"):
        cache.fetch_headers(REPO, limit_s=0.5)
    assert time.monotonic() - began < 1.5
    began = time.monotonic()
    with pytest.raises(Offline):
        cache.fetch_headers(REPO, limit_s=5)
    assert time.monotonic() - began < 0.3, "it is not waited for twice"


def test_a_hub_that_can_not_be_reached_is_left_alone(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants  # noqa: PLC0415 - the Hub is set up by the fixture

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(Offline):
        cache.fetch_headers(REPO)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    with pytest.raises(Offline):
        cache.fetch_headers(REPO)
    assert hub.asked == []


def test_a_sharded_checkpoint_is_the_sum_of_its_files(hub: Hub) -> None:
    names = list(TENSORS)
    shards = [{name: TENSORS[name] for name in names[start::3]} for start in range(3)]
    files = {f"model-{n + 1:05}-of-00003.safetensors": safetensors(s) for n, s in enumerate(shards)}
    whole = model_files(**files, **{"model.safetensors.index.json": b"{}"})
    del whole["model.safetensors"]
    whole["consolidated.safetensors"] = safetensors()
    hub.repos[REPO] = whole
    assert sorted(entry.name for entry in cache.fetch_headers(REPO)) == sorted(TENSORS)


@pytest.mark.parametrize(
    ("trouble", "kind"), [((401, "GatedRepo"), ModelMissing), ((404, "RepoNotFound"), UnknownName)]
)
def test_what_a_hub_refuses_is_no_count(
    hub: Hub, trouble: tuple[int, str], kind: type[Exception]
) -> None:
    hub.repos[REPO] = model_files(**{"model.safetensors": safetensors()})
    hub.trouble["api", REPO] = hub.trouble["files", REPO] = trouble
    with pytest.raises(kind):
        cache.fetch_headers(REPO)
    model = fit.architecture(json.loads(model_files()["config.json"]))
    assert checkpoints.weights(REPO, None, model, Settings(), online=True) is None


def test_nobody_is_asked_who_may_not_be(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Offline):
        cache.fetch_headers(REPO)
    assert hub.asked == []


def test_a_header_that_lies_is_no_count(hub: Hub) -> None:
    lies = {**TENSORS, "model.layers.0.odd.weight": ("BF16", [-4, 4])}
    hub.repos[REPO] = model_files(**{"model.safetensors": safetensors(lies)})
    model = fit.architecture(json.loads(model_files()["config.json"]))
    assert checkpoints.weights(REPO, None, model, Settings(), online=True) is None
