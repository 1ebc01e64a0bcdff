"""Alibaba Cloud: DBS and KMS behind the bot's own contracts. Nothing above this package sees HTTP or a signature."""
