"""What is done inside a space: embeddings, projections, mixtures, directions."""
