"""Interruptions of statements, at random moments and at every instruction."""
