# ruff: noqa: RUF001 - the dashes and signs that users see
"""The status card, in the words of the picture."""

from __future__ import annotations

import msgspec

from aim_jupyter.core.records import CacheTotals, EngineEnvironment, Gpu, Machine
from aim_jupyter.render import status_card
from tests.render import samples
from tests.render.pages import Page

replace = msgspec.structs.replace

PICTURE = """\
aim  gpu-07 · 8 x MI300X, 192.0 GiB each                             read 14:02:11 in 12 ms

GPUs     2 free · 4 busy · 1 unexplained · 1 hidden
         0 ■■■■■■■■■□ you    1 ■■■■■■■■■□ bob    2 ■■■■■■■■■□ bob    3 ■■■□□□□□□□ chen
         4 □□□□□□□□□□ free   5 □□□□□□□□□□ free   6 ▨▨□□□□□□□□ unexplained   – hidden
Engine   vLLM 0.32.0 · ROCm 7.2 · managed environment vllm-0.32
Servers  qwen3-8b  running · GPU 0 · 412 tok/s · KV 18 % · idle stop after 60 min without requests
Cache    1.24 TiB in 9 models · 1 incomplete · 2.61 TiB free on disk
Next     %aim recipes Qwen/Qwen3-32B    see what fits on GPU 4 and 5
         client = %aim client           talk to qwen3-8b"""


def test_the_text_is_the_one_of_the_picture() -> None:
    assert status_card(samples.STATUS).text == PICTURE


def test_bold_stands_where_the_picture_has_it() -> None:
    terminal = status_card(samples.STATUS).terminal
    for bold in ("aim", "2 free", "%aim recipes Qwen/Qwen3-32B", "client = %aim client"):
        assert f"\x1b[1m{bold}\x1b[0m" in terminal


def test_the_page_says_the_same_in_fixed_order() -> None:
    page = Page(status_card(samples.STATUS).html)
    rows = [header.text for header in page.having(scope="row")]
    assert rows == ["GPUs", "Engine", "Servers", "Cache", "Next"]
    assert page.text.startswith("aim gpu-07 · 8 × MI300X, 192.0 GiB each read 14:02:11 in 12 ms")
    for said in (
        "2 free · 4 busy · 1 unexplained · 1 hidden",
        "vLLM 0.32.0 · ROCm 7.2 · managed environment vllm-0.32",
        "running GPU 0 412 tok/s KV 18 % idle stop after 60 min without requests",
    ):
        assert said in page.text


def test_every_gpu_has_a_bar_that_says_what_it_shows() -> None:
    bars = Page(status_card(samples.STATUS).html).having(role="img")
    labels = [bar["aria-label"] for bar in bars]
    assert len(labels) == 8
    assert labels[0] == "GPU 0: 176.9 of 192.0 GiB used, you"
    assert labels[4] == "GPU 4: 0.3 of 192.0 GiB used, free"
    assert labels[7] == "0000:df:00.0: 192.0 GiB, hidden"


def test_without_a_gpu_it_offers_the_cpu_demo() -> None:
    card = status_card(samples.LAPTOP_STATUS)
    assert "None found: this machine has no AMD GPU device." in card.text
    assert "server = %aim launch    start the CPU demo" in card.text
    assert "Cache" not in card.text
    assert "laptop · no GPU" in Page(card.html).text


def test_no_engine_and_one_that_can_not_serve() -> None:
    assert "Engine   none found" in status_card(replace(samples.STATUS, engine=None)).text
    bad = EngineEnvironment(
        name="old", python="/x", source="variable", engine="vllm", version="0.9", reason="too old"
    )
    card = status_card(replace(samples.STATUS, engine=bad))
    assert "vLLM 0.9 · not usable: too old" in card.text
    assert "too old" in Page(card.html).text


def test_a_starting_server_says_what_is_left_and_a_failed_one_why() -> None:
    status = replace(samples.STATUS, servers=(samples.STARTING, samples.FAILED))
    card = status_card(status)
    assert "starting · GPU 4 · load · about 1 min 25 s left" in card.text
    assert "failed · GPU 5 · The engine found less free memory" in card.text
    assert "failed GPU 5 The engine found less" in Page(card.html).text


def test_an_empty_cache_and_unknown_room() -> None:
    empty = CacheTotals(models=0, incomplete=0, size_bytes=0)
    assert "Cache    no model yet\n" in status_card(replace(samples.STATUS, cache=empty)).text


def test_gpus_of_which_nothing_is_known() -> None:
    machine = Machine(host="odd", gpus=(Gpu(), Gpu(hip_index=1, model="W7900")))
    card = status_card(replace(samples.STATUS, machine=machine))
    assert "1 x AMD GPU, 1 x W7900" in card.text
    assert "0 free · 2 unknown" in card.text
    assert "A GPU: – of – used, unknown" in card.html


def test_64_partitions_stand_four_in_a_line() -> None:
    gpus = tuple(replace(samples.GPUS[4], hip_index=index) for index in range(64))
    text = status_card(replace(samples.STATUS, machine=Machine(host="cpx", gpus=gpus))).text
    assert sum(line.count("□□□□□□□□□□") == 4 for line in text.splitlines()) == 16
