"""A stand-in for vLLM with the few modules that an engine environment is asked about."""

__version__ = "0.32.0"
