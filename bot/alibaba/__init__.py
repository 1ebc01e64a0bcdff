"""Alibaba Cloud: Database Backup (DBS) and the Key Management Service (KMS)."""
