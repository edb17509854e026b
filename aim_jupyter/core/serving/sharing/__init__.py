"""Servers that other users of the node may use."""
