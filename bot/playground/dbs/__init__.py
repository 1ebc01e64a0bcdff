"""A DBS and a KMS that speak the real protocol over loopback, strictly."""
