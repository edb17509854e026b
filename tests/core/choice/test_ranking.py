"""Which recipe is taken, on which devices, and why not the others."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from aim_jupyter.core.choice import Conditions, best, judge_all
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.errors import NoFit, UnknownName
from aim_jupyter.core.planning import choose
from aim_jupyter.core.recipes import Catalogue, catalogue, complete
from aim_jupyter.core.records import Choice, Gpu, Machine, Model
from aim_jupyter.core.records.fit import CounterOffer
from aim_jupyter.core.records.recipe import Verdict
from aim_jupyter.core.request.record import Context, Metric, Request
from tests.core.conftest import box, judged, laptop, rank

ROOMY = 1 << 40


def refusal(choices: tuple[Choice, ...]) -> str:
    with pytest.raises(NoFit) as refused:
        choose(choices, Request(model="any"))
    return refused.value.found


def first(model: str, machine: Machine, **asked: object) -> Choice:
    return rank(catalogue().find(model), machine, **asked)[0]


# On the CPU


def test_the_demo_is_served_where_there_is_no_gpu() -> None:
    choice = first("demo", laptop(8))
    assert (choice.recipe.id, choice.verdict) == ("cpu-bf16-tp1", "FITS")
    assert choice.reason == "needs 1.2 GiB of 8.0 GiB free"
    assert choice.recipe.weights.repo == "package:demo"


def test_a_small_model_needs_its_memory() -> None:
    assert first("qwen3-0.6b", laptop(8)).verdict == "FITS"
    no = first("qwen3-0.6b", laptop(2))
    assert (no.verdict, no.reason) == ("NO", "needs 3.1 GiB, 2.0 GiB are free")
    assert first("qwen3-0.6b", laptop(None)).reason == "free memory unknown"


def test_a_cpu_recipe_is_out_of_the_question_beside_gpus() -> None:
    choice = first("demo", box())
    assert (choice.verdict, choice.reason) == ("NO", "for CPU; this machine has MI300X")


def test_a_gpu_that_no_recipe_knows_leaves_the_cpu() -> None:
    machine = structs.replace(laptop(8), gpus=(Gpu(model="RX7900", usable=True, hip_index=0),))
    assert first("qwen3-0.6b", machine).recipe.gpu_model == "cpu"


def test_the_demo_is_never_chosen_for_anything_else(shipped: Catalogue) -> None:
    for model in shipped.models:
        choices = judged(model, laptop(1500))
        repos = {one.recipe.weights.repo for one in choices}
        assert ("package:demo" in repos) == (model.name == "demo")
    assert complete(shipped.find("demo"), kinds()).recipes == shipped.find("demo").recipes


# The order


def test_what_amd_validated_comes_before_what_a_rule_says() -> None:
    choice = first("Qwen/Qwen3-32B", box("MI300X", 8))
    assert (choice.recipe.id, choice.recipe.origin, choice.gpus) == (
        "mi300x-fp16-tp1",
        "amd-validated",
        (0,),
    )


def test_the_pictures_case_16_users() -> None:
    choices = rank(catalogue().find("Qwen/Qwen3-32B"), box("MI300X", 2), users=16)
    assert choices[0].recipe.precision == "fp8"
    short = next(one for one in choices if one.recipe.id == "mi300x-bf16-tp1")
    assert short.verdict == "NO"
    assert short.reason.endswith("GiB of KV cache short: 13 of 16 users")


def test_throughput_takes_few_gpus_and_latency_more() -> None:
    assert (
        first("gpt-oss-120b", box(), metric="throughput").recipe.id == "mi300x-mxfp4-tp1-throughput"
    )
    assert first("gpt-oss-120b", box(), metric="latency").recipe.id == "mi300x-mxfp4-tp4-latency"
    assert len(first("gpt-oss-120b", box(), metric="latency", most_gpus=2).gpus) == 2


def test_three_gpus_use_what_divides() -> None:
    assert first("Llama-3.1-405B-Instruct", box("MI325X", 3)).gpus == (0, 1)


def test_the_order_does_not_depend_on_that_of_the_file() -> None:
    model = catalogue().find("gpt-oss-120b")
    usual = [one.recipe.id for one in rank(model, box())]
    for seed in range(5):
        shuffled = list(model.recipes)
        random.Random(seed).shuffle(shuffled)
        mixed = rank(structs.replace(model, recipes=tuple(shuffled)), box())
        assert [one.recipe.id for one in mixed] == usual


def test_every_recipe_has_a_verdict_and_a_short_reason(shipped: Catalogue) -> None:
    for model in shipped.models:
        for machine in (box("MI300X", 1), laptop(4)):
            choices = judged(model, machine)
            assert [one.rank for one in choices] == list(range(1, len(choices) + 1))
            assert all(one.reason and "…" not in one.reason for one in choices)
            assert {one.id for one in model.recipes} <= {one.recipe.id for one in choices}


def test_manual_only_is_never_first_by_itself_but_named(shipped: Catalogue) -> None:
    choices = rank(shipped.find("gpt-oss-120b"), box("MI250X", 2))
    assert refusal(choices) == "mi250x-mxfp4-tp2-latency: manual only: take it with --recipe."
    assert choices[0].try_line
    assert choices[0].try_line.endswith("--recipe mi250x-mxfp4-tp2-latency --machine mi250x:2")


def test_a_model_with_nothing_but_manual_recipes() -> None:
    best = first("NVIDIA-Nemotron-3-Super-120B-A12B-BF16", box("MI250X", 8))
    assert (best.verdict, best.reason) == ("NO", "manual only: take it with --recipe")
    assert best.try_line
    assert "--recipe mi250x-bf16-tp8" in best.try_line
    assert first(best.recipe.model, box("MI250X", 8), recipe="mi250x-bf16-tp8").verdict != "NO"


def test_a_refusal_names_what_fits_by_hand() -> None:
    model = complete(catalogue().find("Qwen/Qwen3-32B"), ("MI325X",))
    two = [one for one in model.recipes if one.id in ("mi325x-bf16-tp8", "mi325x-fp8-tp1")]
    choices = rank(structs.replace(model, recipes=tuple(two), derive=False), box("MI325X", 1))
    assert choices[0].reason == "needs 8 GPUs, there is 1"
    assert refusal(choices) == (
        "No recipe is chosen by itself here; mi325x-fp8-tp1 fits, and is manual only."
    )


def test_asked_by_id_comes_first_whatever_it_is() -> None:
    choice = first("Qwen/Qwen3-32B", box(), recipe="mi300x-fp8-tp2")
    assert (choice.recipe.id, choice.verdict) == ("mi300x-fp8-tp2", "FITS")
    assert choice.reason.endswith("; manual only")
    other = first("Qwen/Qwen3-32B", box(), recipe="mi355x-bf16-tp2")
    assert (other.verdict, other.reason) == ("NO", "for MI355X; this machine has MI300X")
    with pytest.raises(UnknownName, match=r"Nearest: .*mi300x-fp8-tp2"):
        first("Qwen/Qwen3-32B", box(), recipe="mi300x-fp8-tp3")


def test_precision_and_engine_that_were_asked_for() -> None:
    assert first("Qwen/Qwen3-32B", box(), precision="fp8").recipe.precision == "fp8"
    assert first("gpt-oss-20b", box(), precision="fp4").recipe.precision == "mxfp4"
    assert first("DeepSeek-R1-0528", box(), engine="sglang").recipe.engine == "sglang"
    choices = rank(catalogue().find("DeepSeek-R1-0528"), box())
    sglang = next(one for one in choices if one.recipe.id == "mi300x-fp8-tp8-sglang")
    assert sglang.reason == "for sglang; ask for it with --engine"


def test_a_recipe_for_a_newer_engine_is_refused() -> None:
    model = catalogue().find("Kimi-K3")
    asked = {"engine_version": "0.20.1"}
    choices = rank(model, box("MI355X"), **asked)
    assert choices[0].reason == "wants vllm>=0.27.1; installed is 0.20.1"
    assert rank(model, box("MI355X"), engine_version="0.32.0+rocm72")[0].verdict != "NO"


def test_fp8_is_not_derived_for_gpus_without_it() -> None:
    model = complete(catalogue().find("Qwen/Qwen3-32B"), ("MI250X", "MI210", "MI300X"))
    found = {(one.gpu_model, one.precision) for one in model.recipes}
    assert ("MI300X", "fp8") in found
    assert not {("MI250X", "fp8"), ("MI210", "fp8")} & found


def test_a_context_beyond_the_models_own_is_refused() -> None:
    choice = first("Qwen/Qwen3-32B", box(), context=100_000)
    assert (choice.verdict, choice.reason) == ("NO", "the model takes 40,960 tokens at most")


def test_weights_that_can_not_be_there() -> None:
    choice = first("Llama-3.1-405B-Instruct", box("MI250X", 1))
    assert choice.verdict == "NO"
    assert choice.reason == "327.4 GiB short before any KV cache"


def test_no_plan_is_by_hand_alone_or_has_more_weights_than_memory(shipped: Catalogue) -> None:
    for model in shipped.models[::3]:
        for kind in kinds():
            machine = box(kind, 8)
            choices = judged(model, machine)
            assert choices[0].verdict == "NO" or not choices[0].recipe.manual_only
            for choice in choices:
                if choice.verdict != "NO" and choice.weights_bytes:
                    assert choice.weights_bytes < 0.95 * (kinds()[kind].reported_bytes or 0)


class Told:
    """A fit that has room on two GPUs, whatever is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int | None, Context]] = []

    def __call__(self, choice: Choice, gpus: tuple[Gpu, ...], request: Request) -> Choice:
        self.asked.append((len(gpus), request.users, request.context))
        verdict: Verdict = "FITS" if choice.recipe.tp == 2 else "NO"
        return structs.replace(choice, verdict=verdict, reason="says the fit")

    def changes(
        self, choice: Choice, gpus: tuple[Gpu, ...], request: Request
    ) -> tuple[CounterOffer, ...]:
        return ()


class Drawn:
    """A fit whose verdicts are drawn, and which counts them."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.count = 0

    def __call__(self, choice: Choice, gpus: tuple[Gpu, ...], request: Request) -> Choice:
        self.count += 1
        draw = random.Random(f"{self._seed} {choice.recipe.id}")
        verdict: Verdict = draw.choice(("FITS", "TIGHT", "NO", "NO"))
        return structs.replace(choice, verdict=verdict, reason="drawn")

    def changes(
        self, choice: Choice, gpus: tuple[Gpu, ...], request: Request
    ) -> tuple[CounterOffer, ...]:
        return ()


@given(
    st.sampled_from(catalogue().models),
    st.sampled_from([box(), box("MI325X", 1), box("MI210", 2), laptop(8)]),
    st.sampled_from([None, "latency", "throughput"]),
    st.sampled_from([None, "fp8"]),
    st.integers(0, 10**6),
)
def test_the_best_is_the_first_of_all(
    model: Model, machine: Machine, metric: Metric | None, precision: str | None, seed: int
) -> None:
    asked = Request(model=model.name, metric=metric, precision=precision)
    there = Conditions(machine=machine)
    every, fewer = Drawn(seed), Drawn(seed)
    ranked = judge_all(model, asked, there, every)

    assert best(model, asked, there, fewer) == (ranked[0] if ranked else None)
    assert fewer.count <= every.count


def test_the_best_of_a_model_needs_few_verdicts() -> None:
    model, few, every = catalogue().find("Qwen/Qwen3-32B"), Told(), Told()
    asked, there = Request(model=model.name), Conditions(machine=box())
    choice = best(model, asked, there, few)
    judge_all(model, asked, there, every)
    assert choice is not None
    assert (choice.verdict, choice.recipe.tp) == ("FITS", 2)
    assert len(few.asked) < len(every.asked) / 2


def test_memory_is_what_the_fit_says() -> None:
    fit, model = Told(), catalogue().find("Qwen/Qwen3-32B")
    choice = rank(model, box("MI300X", 2), fit=fit, users=3, context=999)[0]
    assert (choice.recipe.tp, choice.reason) == (2, "says the fit")
    assert set(fit.asked) == {(1, 3, 999), (2, 3, 999)}


def test_an_engine_without_recipes_of_its_own_takes_those_for_vllm() -> None:
    own = first("DeepSeek-R1-0528", box(), engine="sglang").recipe
    assert "which is for vllm" not in own.source
    adopted = first("DeepSeek-R1-0528", box(), engine="another")
    assert (adopted.recipe.engine, adopted.recipe.origin) == ("another", "derived")
    assert adopted.recipe.id.endswith("-another")
    assert adopted.recipe.source.endswith(", which is for vllm")
    assert adopted.reason.endswith("; by vLLM's rules")
