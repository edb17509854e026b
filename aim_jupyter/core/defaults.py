"""What holds where nobody says otherwise, for the core and for those who only name its options."""

from __future__ import annotations

#: Seconds without a request after which a server stops.
IDLE_S = 3600.0
#: Seconds that running requests may take when a server is stopped.
DRAIN_S = 30.0
#: Seconds that rates and quantiles look back.
WINDOW_S = 60.0
#: Of a bench: requests at once at most, and requests of a level for each of those at once.
AT_ONCE, ROUNDS = 256, 4
