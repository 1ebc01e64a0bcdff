"""Where changes are written down, append-only, each event carrying the hash of the one before."""
