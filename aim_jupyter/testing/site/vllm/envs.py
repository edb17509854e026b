"""The environment variables that the fake engine knows."""

environment_variables = {
    "VLLM_API_KEY": None,
    "VLLM_CPU_KVCACHE_SPACE": None,
    "VLLM_ENABLE_V1_MULTIPROCESSING": None,
    "VLLM_LOGGING_LEVEL": None,
}
