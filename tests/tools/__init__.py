"""The real job of each tool that reads databases, in an environment of its own."""
