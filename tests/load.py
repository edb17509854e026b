"""A known load on a server: so many requests, so many tokens each, and when each token came."""

from __future__ import annotations

import bisect
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import openai

from aim_jupyter.core.serving import ServerFolder

#: Tokens of each answer: the engine is told to go on beyond the model's own end.
TOKENS = 40
CLIENTS = 3


class Load(NamedTuple):
    """What the clients saw of it.

    Attributes
    ----------
    began, ended : float
        Seconds since the epoch.
    prompt_tokens, tokens : int
        In and out, of all requests, as each answer says.
    came : list of float
        When each token came, in seconds since the epoch, rising.
    """

    began: float
    ended: float
    requests: int
    prompt_tokens: int
    tokens: int
    came: list[float]

    def rate(self, start: float, end: float) -> float:
        """Return the tokens a second that came after `start` and not after `end`."""
        first, last = (bisect.bisect_right(self.came, each) for each in (start, end))
        return (last - first) / (end - start)


def put(folder: ServerFolder, *, least: int = 1, seconds: float = 0.0) -> Load:
    """Put load on a server from some clients at once, until all is answered.

    Parameters
    ----------
    least : int
        So many requests of each client, one after the other.
    seconds : float
        And more of them for so long.
    """
    began, until = time.time(), time.monotonic() + seconds
    came: list[float] = []
    noted = threading.Lock()

    def client(number: int) -> list[tuple[int, int]]:
        answers: list[tuple[int, int]] = []
        made = openai.OpenAI(base_url=folder.read().url, api_key=folder.key(), max_retries=0)
        with made as asked:
            while len(answers) < least or time.monotonic() < until:
                prompt = f"{number} {len(answers)} " + "word " * (number + len(answers) % 7)
                times, said = _ask(asked, prompt)
                answers.append(said)
                with noted:
                    came.extend(times)
        return answers

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = [each for one in clients.map(client, range(CLIENTS)) for each in one]
    return Load(
        began=began,
        ended=time.time(),
        requests=len(answers),
        prompt_tokens=sum(given for given, _ in answers),
        tokens=sum(tokens for _, tokens in answers),
        came=sorted(came),
    )


def _ask(client: openai.OpenAI, prompt: str) -> tuple[list[float], tuple[int, int]]:
    """Return when each token of an answer came, and its tokens in and out."""
    times: list[float] = []
    given = 0
    stream = client.completions.create(
        model="default",
        prompt=prompt,
        max_tokens=TOKENS,
        stream=True,
        # A slow reader gets several tokens at once: each piece says how many there are by then.
        extra_body={
            "ignore_eos": True,
            "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        },
    )
    for piece in stream:
        if piece.usage is not None:
            given = piece.usage.prompt_tokens
            times += [time.time()] * (piece.usage.completion_tokens - len(times))
    return times, (given, len(times))
