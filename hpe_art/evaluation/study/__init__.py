"""The paper's whole study: a plan of cells, each kept on disk when finished, and what they say."""
