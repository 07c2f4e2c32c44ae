"""Long jobs: a folder each, with a queue, stopping and resuming."""
