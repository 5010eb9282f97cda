"""Backups of volumes: asked for or due, made, checked, kept by rules, given back."""
