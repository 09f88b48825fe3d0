"""How stored notices leave the house: claimed, handed to a provider, its answer judged and noted."""
