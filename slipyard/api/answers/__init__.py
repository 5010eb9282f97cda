"""What every answer has in common: the error envelope, the request id, the access log."""
