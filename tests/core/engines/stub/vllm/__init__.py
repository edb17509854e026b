"""The least that is vLLM to whoever asks: as noisy as the real one, and without torch."""

import sys

__version__ = "0.32.0"

sys.stdout.write("INFO 11-23 18:40:00 [__init__.py:1] a line of noise\n")
sys.stderr.write("Triton is installed, but doesn't include CPU backend.\n")
