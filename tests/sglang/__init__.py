"""The real SGLang, on the CPU."""
