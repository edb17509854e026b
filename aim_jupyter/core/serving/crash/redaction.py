"""A log without what belongs to its user: for a maintainer, or a model that is asked."""

from __future__ import annotations

import re

#: What is taken out, and what stands there then. Secrets first: they may stand in an address.
_TAKEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\b(?:hf|sk|ghp|gho|glpat|xox[abp])[_-][\w-]{6,}", "<secret>"),
        (r"(?i)\b(authorization|bearer)\b[:= ]+(?:bearer )?[\w.~+/=-]{8,}", r"\1 <secret>"),
        (
            r"(?i)([\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key)\b['\"]?\s*[=:]\s*['\"]?)[^\s,'\")]{4,}",
            r"\1<secret>",
        ),
        (r"(?<=://)[^/\s:@]+:[^/\s@]+@", "<secret>@"),
        (r"[\w.+-]+@[\w-]+\.[\w.-]+", "<address>"),
        (r"\b(?!127\.0\.0\.1\b|0\.0\.0\.0\b)(?:\d{1,3}\.){3}\d{1,3}\b", "<ip>"),
        (r"\b(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}\b", "<ip>"),
        (r"(?<![\w])(/(?:home|Users|users)/)[^/\s:'\"]+", r"\1<user>"),
        (r"(?i)(https?://(?:<secret>@)?)(?!127\.0\.0\.1|localhost)[\w.-]+", r"\1<host>"),
    )
)


def redacted(text: str) -> str:
    """Return a text without secrets, addresses, hosts and names of users.

    Examples
    --------
    >>> redacted("GET https://hub.example/org/m by hf_abcdefghij in /home/ada/x from 10.1.2.3")
    'GET https://<host>/org/m by <secret> in /home/<user>/x from <ip>'
    """
    for pattern, instead in _TAKEN:
        text = pattern.sub(instead, text)
    return text
