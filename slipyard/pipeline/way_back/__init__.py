"""From what serves to what served before, by the shortest way that is left."""
