"""What an engine is given of a recipe and of the user's wishes."""

from typing import Any

import pytest

from aim_jupyter.core.devices import kinds
from aim_jupyter.core.recipes import Overrides, Reconciled, catalogue, complete, reconcile
from aim_jupyter.core.recipes.arguments.renamed import table
from aim_jupyter.core.records import EngineEnvironment, Flag


@pytest.fixture
def ask(vllm: EngineEnvironment) -> Any:
    def ask(args: dict[str, Any], variables: Any = (), **wishes: Any) -> Reconciled:
        return reconcile(
            args,
            dict(variables),
            flags=vllm.flags,
            variables=vllm.variables,
            overrides=Overrides(**wishes),
            engine="vllm 0.32.0",
        )

    return ask


@pytest.mark.parametrize(
    ("args", "argv"),
    [
        ({"enforce-eager": None}, "--enforce-eager"),
        ({"enforce-eager": True}, "--enforce-eager"),
        ({"enforce-eager": "true"}, "--enforce-eager"),
        ({"enforce-eager": False}, "--no-enforce-eager"),
        ({"no-enforce-eager": None}, "--no-enforce-eager"),
        ({"no-enforce-eager": False}, "--enforce-eager"),
        ({"max_model_len": 8192}, "--max-model-len 8192"),
        ({"--max-model-len": "8k"}, "--max-model-len 8k"),
        ({"distributed_executor_backend": "mp"}, "--distributed-executor-backend mp"),
        ({"tp": 2}, "--tensor-parallel-size 2"),
        ({"device-memory-utilization": 0.9}, "--gpu-memory-utilization 0.9"),
        ({"hf-overrides": {"a": [1]}}, '--hf-overrides {"a":~[1]}'),
        ({"lora-modules": ["a=b", {"name": "c"}]}, '--lora-modules a=b {"name":~"c"}'),
        ({"allowed-origins": ["*"]}, '--allowed-origins ["*"]'),
        ({"cc.mode": 3, "compilation-config.pass_config.x": "true"},
         '--compilation-config {"mode":~3,~"pass_config":~{"x":~true}}'),
    ],
)  # fmt: skip
def test_spellings(ask: Any, args: dict[str, Any], argv: str) -> None:
    done = ask(args)
    assert list(done.argv) == [word.replace("~", " ") for word in argv.split()]
    assert (done.changes, done.errors) == ((), ())


@pytest.mark.parametrize(
    ("args", "kept", "said"),
    [
        ({"swap-space": 64}, {}, "--swap-space dropped: vLLM keeps no swap space any more"),
        ({"max-seq-len-to-capture": 9}, {}, "--max-seq-len-to-capture dropped: graphs"),
        ({"cuda-graph-sizes": [1, 2]}, {"cudagraph-capture-sizes": [1, 2]}, "is --cudagraph"),
        ({"max-batch-size": 8}, {"max-num-seqs": 8}, "--max-batch-size is --max-num-seqs in vllm"),
        ({"guided-decoding-backend": "x"}, {"structured-outputs-config": {"backend": "x"}}, "is"),
        ({"full-nonsense": 1}, {}, "--full-nonsense dropped: vllm 0.32.0 has no such option"),
        ({"kv-cache-dtype": "fp9"}, {}, "dropped: it can't be 'fp9'; nearest: fp8"),
        ({"max-num-seqs": None}, {}, "--max-num-seqs dropped: it needs a value"),
        ({"enforce-eager": 7}, {}, "--enforce-eager dropped: it is a switch and takes no value"),
        ({"no-headless": None}, {}, "--no-headless dropped: vllm 0.32.0 has no such option"),
        ({"headless": False}, {}, "--headless dropped: it is off unless given"),
        ({"compilation-config": {"full_cuda_graph": True, "level": 3}},
         {"compilation-config": {"cudagraph_mode": "FULL", "mode": 3}}, "full_cuda_graph is cuda"),
        ({"async-scheduling": None, "no-async-scheduling": None}, {"async-scheduling": False},
         "--async-scheduling is given twice: off holds"),
        ({"enforce-eager": None, "max-cudagraph-capture-size": 8}, {"enforce-eager": True},
         "--max-cudagraph-capture-size dropped: nothing is captured with --enforce-eager"),
    ],
)  # fmt: skip
def test_of_a_recipe(ask: Any, args: dict[str, Any], kept: dict[str, Any], said: str) -> None:
    done = ask(args)
    assert done.args == kept
    assert said in "\n".join(done.changes)
    assert done.errors == ()


@pytest.mark.parametrize(
    ("env", "kept", "said"),
    [
        ({"VLLM_USE_V1": "0"}, {}, "VLLM_USE_V1 dropped: there is no other engine"),
        (
            {"VLLM_USE_AITER_TRITON_ROPE": "1"},
            {"VLLM_ROCM_USE_AITER_TRITON_ROPE": "1"},
            "is VLLM_ROCM_",
        ),
        (
            {"VLLM_ROCM_USE_AITER_MOE_SITUV2_A8W4": "1"},
            {"VLLM_ROCM_USE_AITER_MOE_SITUV2": "a8w4"},
            "is",
        ),
        ({"VLLM_NONSENSE": "1"}, {}, "VLLM_NONSENSE dropped: vllm 0.32.0 has no such variable"),
        ({"NCCL_MIN_NCHANNELS": "112"}, {"NCCL_MIN_NCHANNELS": "112"}, ""),
    ],
)
def test_variables_of_a_recipe(
    ask: Any, env: dict[str, str], kept: dict[str, str], said: str
) -> None:
    done = ask({}, env)
    assert done.env == kept
    assert said in "\n".join(done.changes)


def test_a_variable_may_have_become_an_option(ask: Any) -> None:
    done = ask({}, {"VLLM_ATTENTION_BACKEND": "ROCM_AITER_FA"})
    assert (done.env, done.args) == ({}, {"attention-backend": "ROCM_AITER_FA"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("swap-space", 4, "--swap-space is gone from vllm 0.32.0: vLLM keeps no swap space"),
        (
            "max-num-sequences",
            4,
            "vllm 0.32.0 has no option --max-num-sequences; nearest: --max-num-seqs",
        ),
        (
            "cuda-graph-sizes",
            4,
            "--cuda-graph-sizes is gone from vllm 0.32.0: use --cudagraph-capture",
        ),
        ("dtype", "int3", "--dtype: it can't be 'int3'"),
        ("max-num-seqs", None, "--max-num-seqs: it needs a value"),
        ("port", 8000, "--port: say --port"),
        ("model", "x", "--model: the model is what the command line names first"),
    ],
)
def test_a_wish_that_can_not_be_had_is_an_error(ask: Any, name: str, value: Any, said: str) -> None:
    done = ask({"max-num-seqs": 9}, set={name: value})
    (error,) = done.errors
    assert error.startswith(said)
    assert done.args == {"max-num-seqs": 9}


def test_the_user_changes_adds_and_unsets(ask: Any) -> None:
    done = ask(
        {"max-num-seqs": 512, "dtype": "float16", "swap-space": 64, "async-scheduling": None},
        {"VLLM_ROCM_USE_AITER": "1", "NCCL_MIN_NCHANNELS": "112"},
        set={"max_num_seqs": "8", "enable-prefix-caching": None},
        unset=("dtype", "no-async-scheduling", "swap-space", "NCCL_MIN_NCHANNELS"),
        env={"VLLM_ROCM_USE_AITER": "0", "VLLM_ROCM_USE_AITR_MHA": "0"},
    )
    assert done.args == {"max-num-seqs": "8", "enable-prefix-caching": True}
    assert done.env == {"VLLM_ROCM_USE_AITER": "0", "VLLM_ROCM_USE_AITR_MHA": "0"}
    assert done.errors == ()
    said = "\n".join(done.changes)
    assert "--max-num-seqs: 8, as asked; 512 in the recipe" in said
    assert "--dtype left out, as asked" in said
    assert "VLLM_ROCM_USE_AITER=0, as asked; 1 in the recipe" in said
    assert "does not know it; nearest: VLLM_ROCM_USE_AITER_MHA" in said


def test_an_unset_that_names_nothing_is_an_error(ask: Any) -> None:
    assert ask({}, unset=("max-num-sequences",)).errors[0].startswith("vllm 0.32.0 has no option")


def test_of_two_that_contradict_the_users_stays(ask: Any) -> None:
    done = ask({"enforce-eager": None}, set={"cudagraph-capture-sizes": [1]})
    assert done.args == {"cudagraph-capture-sizes": [1]}
    done = ask({"kv-cache-memory-bytes": "1G"}, {"VLLM_CPU_KVCACHE_SPACE": "4"})
    assert done.env == {}


def test_an_older_engine_keeps_what_it_still_has() -> None:
    flags = (Flag(names=("--swap-space",)), Flag(names=("--max-num-seqs",)))
    done = reconcile(
        {"swap-space": 64}, {"VLLM_USE_V1": "1"}, flags=flags, variables=["VLLM_USE_V1"]
    )
    assert (done.args, done.env, done.changes) == ({"swap-space": 64}, {"VLLM_USE_V1": "1"}, ())


def test_an_engine_that_was_not_asked_gets_everything() -> None:
    done = reconcile({"enforce-eager": None, "no-such": None, "x": [1, 2]}, {"VLLM_X": "1"})
    assert list(done.argv) == ["--enforce-eager", "--no-such", "--x", "[1, 2]"]
    assert done.env == {"VLLM_X": "1"}


def test_what_is_called_gone_is_gone(vllm: EngineEnvironment) -> None:
    names = {name.removeprefix("--") for flag in vllm.flags for name in flag.names}
    assert not set(table().option) & names
    assert not set(table().variable) & set(vllm.variables)
    successors = [one.use for one in table().option.values() if one.use]
    successors += [one.into for one in table().variable.values() if one.into]
    assert set(successors) <= names
    assert {one.use for one in table().variable.values() if one.use} <= set(vllm.variables)


def test_no_shipped_or_derived_recipe_needs_a_change(vllm: EngineEnvironment) -> None:
    count = 0
    for model in catalogue().models:
        for recipe in complete(model, ("cpu", *kinds())).recipes:
            if recipe.engine != "vllm":
                continue
            count += 1
            done = reconcile(recipe.args, recipe.env, flags=vllm.flags, variables=vllm.variables)
            assert done.changes == (), f"{model.name} {recipe.id}"
    assert count > 3000
