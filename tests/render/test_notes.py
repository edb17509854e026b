"""What users ask each other for, as lines."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.records import Gpu, Note
from aim_jupyter.render import notes

GPU = Gpu(hip_index=3, pci_bdf="0000:0c:00.0", partition_index=0)
NOTE = Note(
    key="0000:0c:00.0-0",
    uid=1,
    user="ann",
    holder_uid=2,
    holder="bob",
    server="llama",
    words="thesis due tonight",
    at=0.0,
)


def test_who_is_asked_sees_what_to_do() -> None:
    assert notes.note_lines([NOTE], 2, [GPU]) == [
        "ann asks for GPU 3 (llama): thesis due tonight",
        "  %aim stop llama",
        '  %aim answer ann "at 18:00"',
    ]
    assert notes.note_lines([replace(NOTE, answer="no", server=None)], 2, [GPU]) == [
        "ann asks for GPU 3: thesis due tonight",
        "  you: no",
    ]


def test_who_asks_sees_the_answer() -> None:
    first = "you ask bob for GPU 3 (llama): thesis due tonight"
    assert notes.note_lines([NOTE], 1, [GPU]) == [first, "  bob has not answered"]
    assert notes.note_lines([replace(NOTE, answer="at 18:00")], 1, [GPU]) == [
        first,
        "  bob: at 18:00",
    ]


def test_a_device_that_is_not_seen_here_has_its_own_name() -> None:
    assert notes.asked(NOTE, []).startswith("ann asks for GPU 0000:0c:00.0-0 (llama)")


def test_words_steer_no_terminal() -> None:
    assert "\x1b" not in notes.asked(replace(NOTE, words="\x1b[31mred"), [])
