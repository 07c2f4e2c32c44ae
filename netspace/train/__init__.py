"""What runs an optimizer: zoos, spaces, latent space optimisation."""
