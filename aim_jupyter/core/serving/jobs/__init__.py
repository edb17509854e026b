"""Servers in jobs of a site: handed in, followed, reached, ended, and what they do inside."""
