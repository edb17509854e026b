"""Recipes of one engine for another that has none of its own."""

from __future__ import annotations

from msgspec import structs

from aim_jupyter.core import recipes
from aim_jupyter.core.recipes.arguments import adoption


def test_a_recipe_of_vllm_is_adopted_with_its_cache_in_tokens() -> None:
    demo = recipes.catalogue().find("demo")
    assert demo is not None
    adopted = next(one for one in adoption.adopt(demo, "sglang").recipes if one.engine == "sglang")
    assert adopted.id == "cpu-bf16-tp1-sglang"
    assert adopted.origin == "derived"
    # 16 MiB by 2 (K, V) * 4 layers * 2 heads * 64 * 2 bytes.
    assert adopted.args["max-total-tokens"] == 8192
    assert "kv-cache-memory-bytes" not in adopted.args
    assert adoption.in_bytes(adopted, demo) == {"kv-cache-memory-bytes": 16 << 20}


def test_an_engine_with_recipes_of_its_own_adopts_none() -> None:
    demo = recipes.catalogue().find("demo")
    assert demo is not None
    assert adoption.adopt(demo, "vllm") is demo
    twice = adoption.adopt(adoption.adopt(demo, "sglang"), "sglang")
    assert twice == adoption.adopt(demo, "sglang"), "its own place is taken"


def test_every_adopted_recipe_says_where_it_came_from_and_keeps_no_share() -> None:
    for model in recipes.catalogue().models:
        for one in adoption.adopt(model, "sglang").recipes[len(model.recipes) :]:
            assert one.source.endswith("which is for vllm")
            assert one.engine == "sglang"
            assert "gpu-memory-utilization" not in one.args


def test_a_recipe_without_a_size_of_the_cache_says_none_in_bytes() -> None:
    demo = recipes.catalogue().find("demo")
    assert demo is not None
    recipe = structs.replace(demo.recipes[0], engine="sglang", args={})
    assert adoption.in_bytes(recipe, demo) == {}
