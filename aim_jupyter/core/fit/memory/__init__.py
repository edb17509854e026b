"""The sum: weights, overhead, KV cache, and what would fit instead."""
