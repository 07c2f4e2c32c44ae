"""Which units of two networks are the same: matched and moved, so that their weights can be averaged."""
