"""One command of `dlbc-request` a file."""
