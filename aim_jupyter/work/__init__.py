"""Work over servers that is kept: a map over a table, and the runs that there are.

Clients of servers, above the core. A run is a folder: it goes on where it was, in another process.
"""
