"""Render results for terminals, pipes and files."""
