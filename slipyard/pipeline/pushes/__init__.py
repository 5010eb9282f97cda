"""What a push means for an app: seen, compared, ruled on, decided once."""
