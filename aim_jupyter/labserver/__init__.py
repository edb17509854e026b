"""The extension of Jupyter Server: REST for the sidebar, and an OpenAI route to each server.

A front end like the magics: it parses, calls `aim_jupyter.core.api`, and renders JSON. What blocks
runs in threads, never in the server's event loop.
"""

from aim_jupyter.labserver.extension import load as _load_jupyter_server_extension

__all__ = ["_load_jupyter_server_extension"]
