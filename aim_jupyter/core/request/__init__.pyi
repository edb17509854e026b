from .record import Context, Placed, Request

__all__ = ["Context", "Placed", "Request"]
