"""Arrow data as it is read, converted and handed over."""
