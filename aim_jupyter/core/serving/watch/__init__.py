"""What a supervisor sees of its engine: stages, health, figures, disk."""
