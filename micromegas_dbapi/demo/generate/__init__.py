"""Generate the tables of the demo lake from its scenario."""
