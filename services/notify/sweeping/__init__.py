"""What is done once it is due: levels, digests, the weekly page, notices made anew."""
