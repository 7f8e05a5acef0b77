"""Answers: the command, mentions, paging, posting, CSV."""
