"""What the fake engine counts, in the Prometheus format."""

from __future__ import annotations

import threading


class Counters:
    """What ``/metrics`` tells; one lock for all."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = 0
        self.waiting = 0
        self.slots: object = None
        self.http = 0
        self.finished = 0
        self.prompt = 0
        self.generated = 0
        self.first_token_s: list[float] = []

    def text(self) -> str:
        """Return the counters in the Prometheus format."""
        labels = '{model_name="fake",engine="0"}'
        with self.lock:
            rows = [
                ("gauge", "vllm:num_requests_running", labels, self.running),
                ("gauge", "vllm:num_requests_waiting", labels, self.waiting),
                ("gauge", "vllm:kv_cache_usage_perc", labels, 0.25 if self.running else 0.0),
                ("counter", "vllm:prompt_tokens_total", labels, self.prompt),
                ("counter", "vllm:generation_tokens_total", labels, self.generated),
                (
                    "counter",
                    "vllm:request_success_total",
                    '{finished_reason="stop"}',
                    self.finished,
                ),
                ("counter", "http_requests_total", '{handler="/v1/chat/completions"}', self.http),
            ]
            text = "".join(
                f"# TYPE {name} {kind}\n{name}{tags} {value}\n" for kind, name, tags, value in rows
            )
            return text + self._cache() + self._first_token()

    def _cache(self) -> str:
        """Say how the KV cache is divided: a request takes a block."""
        name = "vllm:cache_config_info"
        if self.slots is None:
            return ""
        return (
            f'# TYPE {name} gauge\n{name}{{block_size="128",num_gpu_blocks="{self.slots}"}} 1.0\n'
        )

    def _first_token(self) -> str:
        name, times = "vllm:time_to_first_token_seconds", self.first_token_s
        bounds = (0.01, 0.1, 1.0, float("inf"))
        buckets = "".join(
            f'{name}_bucket{{le="{"+Inf" if bound == bounds[-1] else bound}"}} '
            f"{sum(value <= bound for value in times)}\n"
            for bound in bounds
        )
        sums = f"{name}_sum {sum(times)}\n{name}_count {len(times)}\n"
        return f"# TYPE {name} histogram\n{buckets}{sums}"
