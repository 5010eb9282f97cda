"""Where backups lie: a directory of this machine, or a bucket of S3 and what speaks its protocol."""
