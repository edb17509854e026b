"""The process that stands beside one engine from its start to its end."""
