"""What a bundle takes."""

from aim_jupyter.core.records import Bundle, BundledEngine, BundledModel


def test_it_takes_what_its_parts_take() -> None:
    model = BundledModel(repo="a/b", folder="models/0", size_bytes=5)
    engine = BundledEngine(
        name="x", engine="vllm", version="1", python="3.11", machine="x86_64", archive="a",
        size_bytes=7,
    )  # fmt: skip
    made = Bundle(made_at=0.0, made_by="1", models=(model, model), engine=engine)
    assert made.size_bytes == 17
    assert Bundle(made_at=0.0, made_by="1", models=()).size_bytes == 0
