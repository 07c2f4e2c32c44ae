"""Make zoos of networks, and edit them."""

NAME, HELP = "zoo", "make zoos of networks"
