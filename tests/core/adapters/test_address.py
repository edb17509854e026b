"""How an engine is told where to listen."""

from __future__ import annotations

import pytest

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters.address import Key, Listen


def test_words_that_hold_no_place_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no word of 'port' holds \{port\}"):
        Listen(port=("--port",))
    with pytest.raises(ValueError, match=r"no word of 'socket' holds \{file\}"):
        Listen(port=("--port", "{port}"), socket=("--uds",))
    assert Listen(port=("--port", "{port}")).socket == ()


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_the_built_in_engines_hear_their_port_and_keep_their_key_out_of_sight(engine: str) -> None:
    adapter = adapters.get(engine)
    assert any("{port}" in word for word in adapter.listen.port)
    assert adapter.key.variable.isupper()
    assert Key(variable="X").open == ("/health",)
