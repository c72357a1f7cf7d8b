"""The demo lake's tables, generated from its scenario."""
