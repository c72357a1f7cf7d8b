"""HTTP requests and response bodies, shared by the analytics, gateway and web transports."""
