"""MPII: the folder, the official release, and the writer."""
