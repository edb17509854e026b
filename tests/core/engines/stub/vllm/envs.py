environment_variables = {"VLLM_CPU_KVCACHE_SPACE": int, "VLLM_ATTENTION_DEBUG": bool}
