"""In Slack, change how a database is backed up, with two people's approval."""
