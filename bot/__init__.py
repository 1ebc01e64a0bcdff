"""In Slack, change how a database is backed up, with other people's approval."""
