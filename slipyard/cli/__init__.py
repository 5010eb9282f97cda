"""The command line: speaks HTTP, and starts and supervises the parts."""
