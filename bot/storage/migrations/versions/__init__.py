"""One module for each revision of the layout, in the order of their numbers."""
