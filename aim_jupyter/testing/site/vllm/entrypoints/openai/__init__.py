"""As in vLLM: where its programs are."""
