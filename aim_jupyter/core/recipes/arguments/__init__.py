"""Engine options and variables: read, adopted, renamed, reconciled with a version."""
