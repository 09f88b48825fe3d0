"""What a policy would have done, before it is in force: its check and its dry run."""
