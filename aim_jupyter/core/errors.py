"""What can be expected to go wrong, each as one line of what was found and one of what to do.

::

    AimError
    ├── BadUsage            an unknown verb, option or value
    ├── UnknownName         a model, recipe, server or engine that does not exist
    ├── NoEngine            no engine environment that can serve this
    ├── InstallFailed       an engine environment could not be made
    ├── ModelMissing        the model is not where it was said to be
    │   └── Offline         it is not cached, and the Hub can't be reached
    ├── RecipeInvalid       a recipe file is not what the format says
    ├── GpuUnavailable      the GPUs asked for can't be had
    ├── NoFit               the memory does not suffice
    ├── NotOwner            a server is somebody else's, who shares it
    ├── PortTaken           the port asked for is in use
    ├── ServerGone          the server is not running, or its key is gone
    │   └── StartFailed     it ended before it was ready
    ├── CannotDo            the server's model does not do what it is asked for
    ├── WaitTimeout         not ready within the time given
    ├── SiteError           a site, such as Slurm's, can't be used or does not answer
    ├── BenchFailed         a benchmark could not be run, or nothing was answered
    ├── EvalFailed          the harness of an evaluation broke off
    ├── RowsFailed          most of the first rows of a map failed: the rest was not asked
    └── StateUnusable       the state directory can't be read or written

Anything that is not an `AimError` is a defect, and keeps its whole traceback.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator

from aim_jupyter.core import hints
from aim_jupyter.core.harmless import harmless

#: A name of fewer letters may be a part of any other.
MEANINGFUL = 3


class AimError(Exception):
    """An expected failure.

    Parameters
    ----------
    found : str
        What was found, one sentence.
    hint : str
        What to do: a line that runs, in its notebook form (``%aim …``), and nothing else in it;
        where no line can help, advice. `aim_jupyter.core.hints` tells them apart.
    """

    def __init__(self, found: str, hint: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.hint = hint

    @property
    def lines(self) -> list[str]:
        """The one or two lines that a user sees; names in them may be anybody's."""
        return self._told(self.hint)

    def _told(self, hint: str) -> list[str]:
        found = " ".join(self.found.splitlines())
        todo = hints.told(" ".join(hint.splitlines()))
        return [harmless(f"{type(self).__name__}: {found}"), *([harmless(todo)] if todo else [])]

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: the cell still fails and `except` still works, without the frames.
        return self._told(hints.in_notebook(self.hint))


class BadUsage(AimError):
    """An unknown verb, option or value."""


class UnknownName(AimError):
    """A model, recipe, server or engine that does not exist; `nearest` holds close matches."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        known = list(known)
        self._arguments = (kind, name, known, hint)
        self.name = name
        self.nearest = closest(name, known)
        if self.nearest:
            found = f"There is no {kind} {name!r}. Nearest: {', '.join(self.nearest)}."
        else:
            found = f"There is no {kind} {name!r}."
        super().__init__(found, hint)

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, list[str], str]]:
        # The arguments of `Exception` are not ours: without this it can't cross a process pool.
        return type(self), self._arguments


class NoEngine(AimError):
    """No engine environment that can serve this."""


class InstallFailed(AimError):
    """An engine environment could not be made."""


class ModelMissing(AimError):
    """The model is not where it was said to be."""


class Offline(ModelMissing):
    """The model is not cached, and the Hub can't be reached."""


class RecipeInvalid(AimError):
    """A recipe file is not what the format says."""


class GpuUnavailable(AimError):
    """The GPUs asked for can't be had."""


class NoFit(AimError):
    """The memory does not suffice.

    Parameters
    ----------
    refused : Choice or None
        The recipe that was refused, with its sum and with what would fit instead.
    """

    def __init__(self, found: str, hint: str = "", refused: object = None) -> None:
        super().__init__(found, hint)
        self.refused = refused


class NotOwner(AimError):
    """A server is somebody else's, who shares it: only its owner can do that."""


class PortTaken(AimError):
    """The port asked for is in use."""


class ServerGone(AimError):
    """The server is not running, or its key is gone."""


class StartFailed(ServerGone):
    """The server ended before it was ready."""


class CannotDo(AimError):
    """The server's model does not do what it is asked for."""


class WaitTimeout(AimError):
    """Not ready within the time given."""


class SiteError(AimError):
    """A site where servers run can't be used, or does not answer."""


class BenchFailed(AimError):
    """A benchmark could not be run, or nothing of it was answered."""


class EvalFailed(AimError):
    """The harness of an evaluation broke off; what was answered is kept."""


class RowsFailed(AimError):
    """Most of the first rows of a map failed: the rest was not asked."""


class StateUnusable(AimError):
    """The state directory can't be read or written."""


def closest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return the known names nearest to `name`, best first, compared without regard to case.

    Examples
    --------
    >>> closest("lanuch", ["launch", "logs", "stop"])
    ['launch']
    >>> closest("qwen3", ["Qwen/Qwen3-0.6B", "demo"])
    ['Qwen/Qwen3-0.6B']
    """
    by_fold = {candidate.casefold(): candidate for candidate in known}
    wanted = name.casefold()
    hits = difflib.get_close_matches(wanted, by_fold, n=most, cutoff=0.6)
    if len(wanted) >= MEANINGFUL:
        hits += [fold for fold in by_fold if wanted in fold and fold not in hits]
    return [by_fold[hit] for hit in hits[:most]]


@contextlib.contextmanager
def closed_files() -> Iterator[None]:
    """Tell of a file or folder that this user may not open as of any other failure, in one line.

    Any path may be closed: the machine's, a cache's, an interpreter's, one that was typed.

    Raises
    ------
    StateUnusable
        In place of the system's own error.
    """
    try:
        yield
    except PermissionError as error:
        if not error.filename:
            raise
        name = str(error.filename)
        raise StateUnusable(
            f"{name}: {error.strerror}.", f"namei -l {name} shows whose it is"
        ) from error
