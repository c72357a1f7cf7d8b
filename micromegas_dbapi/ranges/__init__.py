"""Which time range a statement is sent with, and why."""
