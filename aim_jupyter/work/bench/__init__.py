"""How much a server does: levels of requests at once, up to the one that it works best at."""
