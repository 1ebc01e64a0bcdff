"""How fast the bot is, beside what one would compare it with: `make bench`."""
