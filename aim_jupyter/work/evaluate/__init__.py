"""How well a served model answers: lm-evaluation-harness, in an environment of its own."""
