"""The rows that verbs give: their columns, as DataFrames, and as figures."""
