"""What died, went or was changed by hand is seen, said and put right."""
