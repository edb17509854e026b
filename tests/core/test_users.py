"""What a user is called, also one that this machine has never heard of."""

import os

import pytest

from aim_jupyter.core import users


def test_a_user_has_a_name_and_a_stranger_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    users.name.cache_clear()
    assert users.name(0) == "root"
    assert users.name(2**31 - 7) == f"uid {2**31 - 7}"
    monkeypatch.setattr("pwd.getpwuid", None)
    assert users.name(0) == "root", "a directory service is asked once"
    assert users.name.cache_info().hits == 1
    assert os.getuid() >= 0
