"""The use case: from a question to one true screen of its answer."""
