"""From networks and data to figures."""
