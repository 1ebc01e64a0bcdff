"""Everything breaks at once, and what is left is looked at: `make chaos`."""
