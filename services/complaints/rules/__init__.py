"""What is owed for a feedback and until when, and which unit must act on it, as dated files of the province say."""
