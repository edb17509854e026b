"""What a config says and nobody reads is said."""

from aim_jupyter.core import fit
from aim_jupyter.core.checkpoint.architecture import architecture
from aim_jupyter.core.checkpoint.models import config_of, known
from aim_jupyter.testing import sums
from tests.core.fit.conftest import small


def test_a_shape_that_nobody_reads_is_named() -> None:
    found = architecture(small(secret_latent_size=128, image_size=448, max_window_layers=28))
    assert found.unread == ("secret_latent_size",)
    answer = sums.answer({"config": small(secret_latent_size=128), "machine": "mi300x:1"})
    assert any("secret_latent_size" in note for note in answer["notes"])


def test_all_keys_of_the_known_models_are_read_or_harmless() -> None:
    assert {name: fit.architecture(config_of(name)).unread for name in known()} == dict.fromkeys(
        known(), ()
    )
