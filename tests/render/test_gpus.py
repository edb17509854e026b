"""The card below the GPU table."""

from __future__ import annotations

import msgspec

from aim_jupyter.core.records import Gpu, Machine
from aim_jupyter.render import gpus_card
from tests.render import samples
from tests.render.pages import Page

replace = msgspec.structs.replace


def test_every_gpu_stands_with_its_pci_address() -> None:
    card = gpus_card(samples.MACHINE, user=samples.USER, mask=samples.MASK, on_hub=True)
    page = Page(card.html)
    rows = [row.text for row in page.named("tr")][1:]
    assert len(rows) == 8
    for gpu, row in zip(samples.GPUS, rows, strict=True):
        assert str(gpu.pci_bdf) in row
        assert str(gpu.state) in row
        assert str(gpu.pci_bdf) in card.text
    heads = [header.text for header in page.having(scope="col")]
    assert heads == ["GPU", "PCI", "VRAM", "used", "state", "holder", "lease age"]


def test_holders_are_named_and_the_reader_is_you() -> None:
    card = gpus_card(samples.MACHINE, user=samples.USER)
    for said in ("you · qwen3-8b", "bob · llama-3.3-70b", "chen · pid 48213", "2 h 14 min"):
        assert said in card.text
        assert said in Page(card.html).text
    assert "alice · qwen3-8b" in gpus_card(samples.MACHINE, user="bob").text


def test_hidden_and_unexplained_have_their_reason_and_what_to_do() -> None:
    card = gpus_card(samples.MACHINE, user=samples.USER, mask=samples.MASK, on_hub=True)
    for said in (card.text, Page(card.html).text):
        assert "GPU 6: 46.2 GiB are held by no visible process." in said
        assert "Ask an admin to look on the host: 0000:bf:00.0" in said
        assert "0000:df:00.0 is hidden by ROCR_VISIBLE_DEVICES=0,1,2,3,4,5,6" in said
        assert "choose another GPU option in the hub" in said
        assert "GPU 3: chen holds 61.4 GiB without a lease." in said
        assert "--share-gpus would use the other 130.6 GiB." in said


def test_away_from_a_hub_the_notebook_is_to_be_started_anew() -> None:
    text = gpus_card(samples.MACHINE).text
    assert "hub" not in text
    assert "is hidden from this notebook." in text
    assert "start the notebook without that mask" in text


def test_gpus_that_can_not_be_opened_are_told_once() -> None:
    reason = "you are not in group `render`"
    gpus = tuple(replace(gpu, usable=False, reason=reason) for gpu in samples.GPUS[:3])
    card = gpus_card(Machine(host="gpu-07", gpus=gpus, notes=("rocm-smi disagrees",)))
    assert card.text.count("not in group render") == 1
    assert "3 GPUs can't be used: you are not in group render" in card.text
    assert "rocm-smi disagrees" in Page(card.html).text


def test_a_machine_with_only_free_gpus_needs_no_notes() -> None:
    card = gpus_card(Machine(host="gpu-07", gpus=samples.GPUS[4:6]))
    assert card.text.splitlines()[-1].endswith("free")
    page = Page(card.html)
    assert "unexplained" not in page.text
    assert "2 free" in page.text


def test_no_gpu() -> None:
    card = gpus_card(samples.LAPTOP)
    assert "no AMD GPU device" in card.text
    assert "no AMD GPU device" in Page(card.html).text


def test_partitions_of_which_the_same_is_to_be_said_share_a_note() -> None:
    gpus = [Gpu(hip_index=at, pci_bdf=f"0000:0a:00.{at}", state="unexplained") for at in range(4)]
    hidden = [Gpu(pci_bdf=f"0000:0b:00.{at}", state="hidden") for at in range(2)]
    text = gpus_card(Machine(host="node", gpus=(*gpus, *hidden))).text
    assert "GPU 0-3: memory is held by no visible process." in text
    assert "0000:0b:00.0 and 0000:0b:00.1 are hidden from this notebook." in text
    assert text.count("To use them") == 1
