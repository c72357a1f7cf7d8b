"""SQL text: read, filled with parameters, and rewritten."""
