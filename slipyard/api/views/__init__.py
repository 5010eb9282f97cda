"""Rows of the store as answers of the API."""
