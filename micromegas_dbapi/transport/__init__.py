"""The protocol of all transports, and a folder for each that goes over a network."""
