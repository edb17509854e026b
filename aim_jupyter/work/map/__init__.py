"""A model over a table: each row is asked once, kept when it is answered, and never raises."""
