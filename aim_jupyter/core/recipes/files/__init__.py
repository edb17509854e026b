"""Recipes as files: ours, AMD's profiles and prototypes; read, checked, written."""
