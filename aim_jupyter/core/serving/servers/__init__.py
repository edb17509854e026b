"""Servers as others see them: launched, viewed, stopped, found again."""
