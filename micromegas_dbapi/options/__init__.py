"""Options: what they are called, what they accept, and the settings that transports get."""
