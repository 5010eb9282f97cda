"""The names under which apps are reached, and what holds for each."""
