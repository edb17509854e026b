"""What is on disk of a server, and whose process it is."""
