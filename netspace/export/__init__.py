"""Pictures, figures and files of what a space holds."""
