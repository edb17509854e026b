"""As many requests at once as the fake engine runs, by priority as vLLM has it."""

from __future__ import annotations

import heapq
import threading


class Slots:
    """So many requests at once; of those that wait, the one of the least priority goes first."""

    def __init__(self, count: int) -> None:
        self.free, self.came = count, 0
        self.waiting: list[tuple[int, int]] = []
        self.changed = threading.Condition()

    def take(self, priority: int) -> None:
        """Wait for one."""
        with self.changed:
            self.came += 1
            mine = (priority, self.came)
            heapq.heappush(self.waiting, mine)
            self.changed.wait_for(lambda: self.free and self.waiting[0] == mine)
            heapq.heappop(self.waiting)
            self.free -= 1
            # There may be another one for the next in turn.
            self.changed.notify_all()

    def give(self) -> None:
        """Give it back."""
        with self.changed:
            self.free += 1
            self.changed.notify_all()
