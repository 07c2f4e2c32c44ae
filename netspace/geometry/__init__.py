"""From a signed distance network to its surface."""
