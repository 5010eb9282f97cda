"""How a deployment under way looks: lines in a pipe, steps with running times on a terminal."""
