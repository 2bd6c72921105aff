"""Commands for users: thin scripts, each also a console script."""
