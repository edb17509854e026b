from .plan import choose, next_steps, plan
from .request import Context, Placed, Request

__all__ = ["Context", "Placed", "Request", "choose", "next_steps", "plan"]
