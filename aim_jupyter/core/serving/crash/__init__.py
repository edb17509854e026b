"""Why an engine ended, from its log."""
