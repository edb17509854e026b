"""A log without what belongs to its user."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.serving.crash.redaction import redacted


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("token=hf_abcdefghijkl", "token=<secret>"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization <secret>"),
        ("OPENAI_API_KEY='abcdefgh'", "OPENAI_API_KEY='<secret>'"),
        ('{"password": "hunter22"}', '{"password": "<secret>"}'),
        ("from a@b.org at 10.1.2.3", "from <address> at <ip>"),
        ("fe80:0:0:0:1:2:3:4 said", "<ip> said"),
        ("/home/ada/models", "/home/<user>/models"),
        ("http://hub.example.org:8/x", "http://<host>:8/x"),
    ],
)
def test_what_belongs_to_a_user_is_taken_out(text: str, left: str) -> None:
    assert redacted(text) == left


def test_a_secret_in_an_address_is_taken_before_the_address() -> None:
    said = redacted("https://ada:hunter22@hub.example.org/x")
    assert not any(word in said for word in ("ada", "hunter22", "hub"))
    assert said.endswith("/x")


@given(st.from_regex(r"hf_[A-Za-z0-9]{20,34}", fullmatch=True), st.sampled_from(" '\"=(,\n"))
def test_no_token_is_left_wherever_it_stands(token: str, before: str) -> None:
    assert token not in redacted(f"read{before}{token} of the hub")


@given(st.text())
def test_what_is_redacted_needs_it_no_more(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once
