"""What travels over HTTP: requests as we accept them, answers as we promise them."""
