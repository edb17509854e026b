"""Everything that an engine exports, under its own names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.metrics.exported import exported, families

TEXT = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 2.0
# TYPE vllm:request_success_total counter
vllm:request_success_total{finished_reason="stop"} 3.0
# TYPE vllm:request_success_created gauge
vllm:request_success_created{finished_reason="stop"} 1.7e+09
# TYPE vllm:ttft histogram
vllm:ttft_bucket{le="0.1"} 1.0
vllm:ttft_bucket{le="+Inf"} 2.0
vllm:ttft_count 2.0
vllm:ttft_sum 0.5
# TYPE odd gauge
odd NaN
"""


def test_every_series_comes_with_its_labels_and_its_kind() -> None:
    first, second, *rest = exported(TEXT, "demo")
    assert (first.server, first.metric, first.kind) == (
        "demo",
        "vllm:num_requests_running",
        "gauge",
    )
    assert (first.labels, first.value) == ('engine="0",model_name="m"', 2.0)
    assert (second.metric, second.kind) == ("vllm:request_success_total", "counter")
    assert [each.value for each in rest] == [1.0, 2.0, 2.0, 0.5]


def test_times_of_creation_and_what_is_no_number_are_left_out() -> None:
    names = {each.metric for each in exported(TEXT, "demo")}
    assert not any(name.endswith("_created") for name in names)
    assert "odd" not in names
    assert all(not family.name.endswith("_created") for family in families(TEXT))


def test_nothing_exported_is_nothing() -> None:
    assert exported("", "demo") == []


@given(st.text(st.characters(exclude_characters='"\\\n\r', exclude_categories=["Cs", "Cc"])))
def test_a_label_holds_anything_that_is_printed(label: str) -> None:
    (found,) = exported(f'a{{b="{label}"}} 1\n', "demo")
    assert found.labels == f'b="{label}"'
