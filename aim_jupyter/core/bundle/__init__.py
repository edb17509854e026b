"""A folder with all that a machine without network needs to serve a model.

::

    DIR/
        bundle.json     what is in it
        SHA256SUMS      of every other file: `sha256sum -c SHA256SUMS` reads it too
        models/0/       the files of a model
        engine/         an engine's environment, as a tar
        recipes/        recipe files of the user's own

What is read of it was written elsewhere: names are held to what names are (`cache.store`), bytes to
their hashes, before anything counts as there.
"""
