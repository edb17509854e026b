"""A checkpoint: what its ``config.json`` says of shapes and formats, for recipes and the fit."""
