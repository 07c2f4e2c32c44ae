"""Make shapes."""

NAME, HELP = "shapes", "make shapes"
