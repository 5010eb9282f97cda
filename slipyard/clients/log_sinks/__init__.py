"""The doors to where output is forwarded to: syslog, any HTTP receiver, Loki."""
