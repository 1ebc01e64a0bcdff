"""A Slack that speaks the real protocol over loopback, strictly."""
