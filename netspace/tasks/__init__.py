"""What a space is trained on and selected by."""
