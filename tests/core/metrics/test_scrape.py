"""One look at an engine's metrics, under our own names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import metrics
from aim_jupyter.core.metrics import Scrape

from .naming import SGLANG, VLLM, of

#: As vLLM 0.32 writes it (facts/vllm.md 3.2), of two data-parallel engines, shortened.
TWO_ENGINES = """\
# HELP python_gc_objects_collected_total Objects collected during gc
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 21734.0
# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 7.83605760e+08
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_running{engine="1",model_name="tiny"} 1.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="tiny"} 2.0
vllm:num_requests_waiting{engine="1",model_name="tiny"} 0.0
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 2.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="tiny"} 0.25
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="5456"} 1.0
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0",model_name="tiny"} 1000.0
vllm:prefix_cache_queries_total{engine="1",model_name="tiny"} 500.0
# TYPE vllm:prefix_cache_queries_created gauge
vllm:prefix_cache_queries_created{engine="0",model_name="tiny"} 1.795463092e+09
# TYPE vllm:prefix_cache_hits_total counter
vllm:prefix_cache_hits_total{engine="0",model_name="tiny"} 300.0
vllm:prefix_cache_hits_total{engine="1",model_name="tiny"} 0.0
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="tiny"} 1000.0
vllm:prompt_tokens_total{engine="1",model_name="tiny"} 500.0
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="tiny"} 2000.0
vllm:generation_tokens_total{engine="1",model_name="tiny"} 1000.0
# TYPE vllm:num_preemptions_total counter
vllm:num_preemptions_total{engine="0",model_name="tiny"} 7.0
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="tiny"} 40.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="tiny"} 5.0
vllm:request_success_total{engine="0",finished_reason="abort",model_name="tiny"} 2.0
vllm:request_success_total{engine="1",finished_reason="error",model_name="tiny"} 1.0
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="tiny"} 0.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.005",model_name="tiny"} 10.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="tiny"} 12.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="tiny"} 12.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="tiny"} 0.75
vllm:time_to_first_token_seconds_bucket{engine="1",le="0.001",model_name="tiny"} 1.0
vllm:time_to_first_token_seconds_bucket{engine="1",le="0.005",model_name="tiny"} 2.0
vllm:time_to_first_token_seconds_bucket{engine="1",le="+Inf",model_name="tiny"} 2.0
vllm:time_to_first_token_seconds_count{engine="1",model_name="tiny"} 2.0
vllm:time_to_first_token_seconds_sum{engine="1",model_name="tiny"} 0.25
# TYPE vllm:time_to_first_token_seconds_created gauge
vllm:time_to_first_token_seconds_created{engine="0",model_name="tiny"} 1.795463092e+09
# TYPE http_requests_total counter
http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} 45.0
http_requests_total{handler="/v1/models",method="GET",status="2xx"} 1.0
"""


@pytest.fixture
def scrape() -> Scrape:
    return metrics.read(TWO_ENGINES, 100.0, VLLM)


def test_the_engines_of_one_server_are_added_up(scrape: Scrape) -> None:
    assert scrape.at == 100.0
    assert scrape.values["running"] == 4
    assert scrape.values["waiting"] == 2
    assert scrape.values["prompt_tokens"] == 1500
    assert scrape.values["generation_tokens"] == 3000
    assert scrape.values["prefix_queries"] == 1500
    assert scrape.values["prefix_hits"] == 300
    assert scrape.values["preempted"] == 7


def test_a_share_is_averaged(scrape: Scrape) -> None:
    assert scrape.values["kv_used"] == pytest.approx(0.375)


def test_histograms_are_added_bucket_by_bucket(scrape: Scrape) -> None:
    ttft = scrape.histograms["ttft"]
    assert ttft.buckets == {"0.001": 1, "0.005": 12, "+Inf": 14}
    assert (ttft.count, ttft.total) == (14, 1.0)


def test_what_a_user_calls_a_failure_is_counted_apart(scrape: Scrape) -> None:
    assert scrape.values["finished"] == 48
    assert scrape.values["failed"] == 3
    none_yet = metrics.read('vllm:request_success_total{finished_reason="stop"} 4\n', 0.0, VLLM)
    assert none_yet.values["failed"] == 0


def test_requests_are_those_of_all_routes_else_those_that_ended(scrape: Scrape) -> None:
    assert scrape.requests == 46
    assert metrics.read("sglang:num_requests_total 4\n", 0.0, SGLANG).requests == 4
    assert scrape.busy
    assert not metrics.read("vllm:num_requests_running 0\n", 0.0, VLLM).busy


def test_what_is_missing_stays_missing() -> None:
    scrape = metrics.read("vllm:num_requests_running 1\n", 0.0, VLLM)
    assert scrape.values == {"running": 1.0}
    assert scrape.histograms == {}
    assert metrics.read("", 0.0, VLLM) == Scrape(at=0.0)


def test_the_first_name_that_is_there_counts_and_no_other() -> None:
    both = metrics.read(
        "vllm:kv_cache_usage_perc 0.5\nvllm:gpu_cache_usage_perc 0.5\n"
        "vllm:prefix_cache_queries_total 10\nvllm:gpu_prefix_cache_queries_total 10\n"
        'vllm:inter_token_latency_seconds_bucket{le="+Inf"} 7\n'
        "vllm:inter_token_latency_seconds_count 7\nvllm:inter_token_latency_seconds_sum 1\n"
        'vllm:time_per_output_token_seconds_bucket{le="+Inf"} 7\n'
        "vllm:time_per_output_token_seconds_count 7\nvllm:time_per_output_token_seconds_sum 1\n",
        0.0,
        VLLM,
    )
    assert both.values == {"kv_used": 0.5, "prefix_queries": 10}
    assert both.histograms["itl"].count == 7


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("vllm:gpu_cache_usage_perc 0.5", {"kv_used": 0.5}),
        ("vllm:gpu_prefix_cache_hits_total 3", {"prefix_hits": 3}),
        ("sglang:num_running_reqs 2", {"running": 2}),
        ("sglang:token_usage 0.1", {"kv_used": 0.1}),
    ],
)
def test_older_versions_and_the_other_engine_are_read(line: str, values: dict[str, float]) -> None:
    assert metrics.read(line + "\n", 0.0, of(line)).values == values


def test_the_gaps_between_tokens_have_another_name_in_an_older_sglang() -> None:
    old = metrics.read(
        'sglang:time_per_output_token_seconds_bucket{le="0.005"} 1\n'
        'sglang:time_per_output_token_seconds_bucket{le="+Inf"} 74\n'
        "sglang:time_per_output_token_seconds_sum 0.9\n",
        0.0,
        SGLANG,
    )
    assert old.histograms["itl"].buckets == {"0.005": 1, "+Inf": 74}


def test_a_value_that_is_no_number_says_nothing() -> None:
    text = "vllm:num_requests_running NaN\nvllm:num_requests_waiting +Inf\n"
    assert metrics.read(text, 0.0, VLLM) == Scrape(at=0.0)


@pytest.mark.parametrize(
    "text",
    [
        "<html>not metrics</html>",
        "vllm:num_requests_running",
        "vllm:num_requests_running{",
        'vllm:num_requests_running{engine="0} 1',
        "vllm:time_to_first_token_seconds_bucket 4",
        'vllm:time_to_first_token_seconds_bucket{le="soon"} 4',
        'vllm:time_to_first_token_seconds_bucket{le="NaN"} 4',
        "{",
        '{"status": "ok"}',
    ],
)
def test_what_is_no_metrics_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        metrics.read(text, 0.0, VLLM)


NAMES = st.sampled_from(
    [
        "vllm:time_to_first_token_seconds_bucket",
        "vllm:num_requests_running",
        "x",
        "# TYPE x counter",
    ]
)
LABELS = st.sampled_from(["", '{le="1"}', '{le=""}', "{", "{}", '{le="1",}', '{a="\\', "{le=1}"])


ROWS = st.lists(st.tuples(NAMES, LABELS, st.text(max_size=6))).map(
    lambda rows: "\n".join(f"{name}{labels} {value}" for name, labels, value in rows)
)
CUT = st.integers(0, len(TWO_ENGINES)).map(lambda end: TWO_ENGINES[:end])


@given(text=st.text() | ROWS | CUT)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        scrape = metrics.read(text, 0.0, VLLM)
    except ValueError:
        return
    metrics.between(Scrape(at=-1.0), scrape)
