"""What all may read: answered reflections and recommendations, in the words that an officer gave for it."""
