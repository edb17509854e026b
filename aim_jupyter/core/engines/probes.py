"""Whether the places that an engine may come from can be reached, found out within seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

LIMIT_S = 5.0


def unreachable(urls: Iterable[str], limit_s: float = LIMIT_S) -> str:
    """Return why the first of `urls` that can't be fetched can't; empty where all seem to be.

    Parameters
    ----------
    urls : iterable of str
        Asked for their headers only.
    limit_s : float
        Seconds for each. Resolving a name knows no limit of its own, hence the threads.
    """
    return next(filter(None, (_probed(url, limit_s) for url in urls)), "")


def _probed(url: str, limit_s: float) -> str:
    host = urlsplit(url).netloc
    reason = [f"{host} did not answer within {limit_s:g} s"]
    thread = threading.Thread(target=_try, args=(url, limit_s, reason), daemon=True)
    thread.start()
    thread.join(limit_s)
    return reason[0]


def _try(url: str, limit_s: float, reason: list[str]) -> None:
    # Here and not above, since these cost 30 ms, and only an install needs them.
    import ssl  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    host = urlsplit(url).netloc
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310  (from our own data)
        urllib.request.urlopen(request, timeout=limit_s).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        reason[0] = f"{host} answers {error.code} for {url.rstrip('/').rpartition('/')[2]}"
    except (OSError, ValueError) as error:
        # pip may know certificates that Python does not (PIP_CERT): let it try.
        cause = getattr(error, "reason", error)
        trusted = not isinstance(cause, ssl.SSLCertVerificationError)
        reason[0] = f"{host} can't be reached" if trusted else ""
    else:
        reason[0] = ""
