"""What tests of servers say again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

import openai

from aim_jupyter.core import api, serving
from aim_jupyter.core.planning import Request
from aim_jupyter.core.serving import ServerFolder

DEMO = Request(model="demo")


def launch_ready(
    request: Request = DEMO, *, new: bool = False, limit_s: float = 20
) -> ServerFolder:
    """Launch and wait until it is ready."""
    folder = api.launch(request, new=new)
    for _ in api.wait(folder.name, limit_s=limit_s):
        pass
    return folder


def until(is_so: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Wait until `is_so` says so, or fail."""
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, "it did not become so in time"
        time.sleep(0.05)


def say(folder: ServerFolder, text: str) -> str:
    """Return what the model answers."""
    made = openai.OpenAI(base_url=folder.read().url, api_key=folder.key(), max_retries=0)
    with made as client:
        reply = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": text}]
        )
    return reply.choices[0].message.content or ""


def running(folder: ServerFolder) -> int | None:
    """Return how many requests run, None where nobody knows."""
    sample = serving.view(folder).sample
    return sample.req_running if sample else None
