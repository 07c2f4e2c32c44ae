"""Embed trained networks in a small latent space, and make, measure, explore and optimise what lies in it.

Everything the app shows can be made with these commands. Errors are one sentence and exit code 2.
"""
