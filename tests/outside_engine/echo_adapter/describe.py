"""Run by an interpreter that may have the engine, never by the notebook's own process."""

import echo_server


def describe():
    """Return what this engine is, how it is started, and what its parser accepts."""
    return {
        "version": echo_server.__version__,
        "platform": "cpu",
        "command": ["-m", "echo_server"],
        "model_option": "--model",
        "parser": echo_server.parser(),
    }
