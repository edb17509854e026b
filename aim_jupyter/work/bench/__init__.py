"""How much a server does: levels of requests at once, up to the one that it works best at."""

#: Requests at once at most, requests of a level for each of those at once, and of a level at least.
MOST, ROUNDS, LEAST = 256, 4, 8
