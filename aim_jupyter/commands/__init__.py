"""The verbs, in one table: their words, how a line is read, and what each one calls."""
