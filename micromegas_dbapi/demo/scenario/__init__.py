"""What happens in the demo lake, as data."""
