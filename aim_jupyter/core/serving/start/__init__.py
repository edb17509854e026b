"""How an engine is started: its command, its ports, devices, hosts and containers."""
