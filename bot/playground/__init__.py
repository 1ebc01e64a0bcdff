"""A workspace without Slack: the fakes that the tests drive and a newcomer clicks."""
