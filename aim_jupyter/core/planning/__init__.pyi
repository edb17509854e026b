from .plan import choose, next_steps, plan

__all__ = ["choose", "next_steps", "plan"]
