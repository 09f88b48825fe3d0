"""The register of sources: who may feed intake, by which key, how much at once, and who has fallen silent."""
