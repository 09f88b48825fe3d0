"""What becomes of a notice after a provider took it: receipts and bounces, and who is told instead when it fails."""
