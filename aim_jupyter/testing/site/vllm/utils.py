"""The parser class, under the name and in the place that vLLM uses."""

from argparse import ArgumentParser as FlexibleArgumentParser

__all__ = ["FlexibleArgumentParser"]
