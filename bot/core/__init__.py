"""The rules: what a plan is, how a change lives, who may decide. Pure: no clock, no I/O."""
