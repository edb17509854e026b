"""Where servers run that is not this machine: places, and the sites that are described of them."""
