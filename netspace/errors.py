"""What can go wrong, as exceptions: each message is one sentence for the person who reads it."""


class BadFolder(ValueError):
    """A zoo or a space that cannot be read; the message names the folder and what is wrong with it."""
