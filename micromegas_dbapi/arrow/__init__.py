"""Read, convert and return Arrow data."""
