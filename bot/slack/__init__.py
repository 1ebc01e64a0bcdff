"""Slack: what people see and click."""
