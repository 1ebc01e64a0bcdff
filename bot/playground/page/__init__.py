"""The playground's page: a Slack-like client in a browser, for the workspace, the DBS and the real bot of a stage."""
