"""Read SQL text, bind parameters into it, and rewrite it."""
