"""The front end of a notebook: magics, the session of one kernel, what a cell shows."""
