"""Look after zoos and spaces in the making."""

NAME, HELP = "jobs", "look after zoos and spaces in the making"
