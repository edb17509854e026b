"""Requests passed on to servers as they come: through Jupyter, and through one address for all."""
