"""Choose the time range that a statement is sent with."""
