"""Whether the Hub has a model and lets us have it, asked before anything is started."""

from __future__ import annotations

import shlex

from aim_jupyter.core import config
from aim_jupyter.core.cache import needs, offered
from aim_jupyter.core.errors import AimError, ModelMissing, Offline, StateUnusable, UnknownName


def check_reachable(repo: str, revision: str | None = None) -> int | None:
    """Ask the Hub for `repo` and return the bytes of what an engine needs, where it says.

    Raises
    ------
    Offline
        If the Hub can't be reached or may not be asked.
    ModelMissing
        If the repository is gated for this user, or the Hub refuses.
    StateUnusable
        If the cache can't be written.
    UnknownName
        If the Hub has no such repository.
    """
    if config.offline():
        raise _forbidden(repo, "%aim launch demo")
    try:
        sizes = offered.sizes_of(repo, revision)
    except Exception as error:
        raise refusal(error, repo, revision) or error from error
    # Without the index of the weights, which is not there yet: at most a file too many.
    return sum(sizes[name] for name in needs.chosen(sizes, lambda _: b"")) or None


def refusal(error: Exception, repo: str, revision: str | None = None) -> AimError | None:
    """Return what the Hub's client met as an expected failure, None where it is a defect.

    The Hub tells everybody about a gated repository, and refuses only its files: so this is asked
    of the config and of the download as well.
    """
    from huggingface_hub import errors as hub  # noqa: PLC0415 - see `check_reachable`

    again = f"%aim launch {shlex.quote(repo)}"
    status = _status(error) or _status(error.__cause__)
    root = config.model_cache_dir()
    if isinstance(error, AimError):
        return error
    told: list[tuple[bool, AimError]] = [
        (
            isinstance(error, hub.GatedRepoError),
            ModelMissing(
                f"{repo} is gated: this account has no access to it.",
                "ask for access on the model's page, and set HF_TOKEN",
            ),
        ),
        (
            isinstance(error, hub.RepositoryNotFoundError | hub.HFValidationError),
            _unknown(repo),
        ),
        (
            isinstance(error, hub.RevisionNotFoundError),
            ModelMissing(f"{repo} has no revision {revision!r}.", again),
        ),
        (isinstance(error, hub.RemoteEntryNotFoundError), without_config(repo)),
        (
            isinstance(error, hub.SafetensorsParsingError),
            ModelMissing(f"The Hub sent no readable header of the weights of {repo}.", again),
        ),
        (
            isinstance(error, hub.OfflineModeIsEnabled),
            _forbidden(repo, "unset HF_HUB_OFFLINE and restart the kernel: it is read only once"),
        ),
        (
            status is not None,
            ModelMissing(f"{repo} can't be had: the Hub answered {status}.", again),
        ),
        (
            offered.unreachable(error) or isinstance(error, hub.LocalEntryNotFoundError),
            Offline(
                f"{repo} is not in the cache, and the Hub can't be reached.",
                "connect to the network, or copy the model into the cache",
            ),
        ),
        (
            isinstance(error, OSError),
            StateUnusable(
                f"{root}: {getattr(error, 'strerror', None) or error}.",
                "free some space there, or set AIM_CACHE_DIR to a folder that you can write",
            ),
        ),
    ]
    return next((expected for so, expected in told if so), None)


def _unknown(repo: str) -> UnknownName:
    error = UnknownName("model", repo, (), "%aim recipes")
    error.found += " A private one needs HF_TOKEN."
    error.args = (error.found,)
    return error


def _forbidden(repo: str, hint: str) -> Offline:
    found = f"{repo} is not in the cache, and HF_HUB_OFFLINE forbids to download it."
    return Offline(found, hint)


def _status(error: BaseException | None) -> int | None:
    """Return the Hub's answer behind an error, None where it gave none."""
    status: int | None = getattr(getattr(error, "response", None), "status_code", None)
    return status


def without_config(repo: str) -> ModelMissing:
    """Return that a repository has no config that can be read."""
    return ModelMissing(
        f"{repo} has no config.json that can be read.",
        "choose a repository that holds a model in the Transformers format",
    )
