"""Which variables nobody else may read."""

import pytest

from aim_jupyter.core import credentials


@pytest.mark.parametrize(
    "name",
    ["HF_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "my_apikey", "KEY"],
)
def test_secrets_are_known_by_their_names(name: str) -> None:
    assert credentials.looks_secret(name)


@pytest.mark.parametrize("name", ["KEYBOARD", "MONKEY", "VLLM_ROCM_USE_AITER", "PATH"])
def test_others_may_be_shown(name: str) -> None:
    assert not credentials.looks_secret(name)


def test_what_is_started_inherits_none_of_them() -> None:
    given = {"HF_TOKEN": "a", "JPY_API_TOKEN": "b", "AIM_KEY": "c", "PATH": "/bin"}
    assert credentials.without(given, ["AIM_KEY"]) == {"PATH": "/bin"}
    assert given["HF_TOKEN"] == "a"
    assert all(map(credentials.looks_secret, credentials.UNNEEDED))


def test_the_keys_of_a_store_go_where_a_model_is_read_from_it() -> None:
    given = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "HF_TOKEN": "c", "PATH": "/"}
    assert credentials.without(given) == {"PATH": "/"}
    assert credentials.of_store(given) == {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
