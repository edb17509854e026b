"""The name of a record: a hash of what served, the same however its parts were put in."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core.records.provenance import DIGITS
from tests.core.provenance.test_comparing import ONE

pairs = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=5)


def test_a_name_is_sixteen_digits() -> None:
    assert re.fullmatch(rf"[0-9a-f]{{{DIGITS}}}", ONE.id)


@given(pairs)
def test_the_order_of_what_is_named_does_not_matter(files: dict[str, str]) -> None:
    backwards = dict(reversed(files.items()))
    assert replace(ONE, files=files).id == replace(ONE, files=backwards).id


@given(pairs, pairs)
def test_other_files_have_another_name(one: dict[str, str], other: dict[str, str]) -> None:
    same = replace(ONE, files=one).id == replace(ONE, files=other).id
    assert same == (one == other)
