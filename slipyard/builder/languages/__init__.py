"""One file for each kind of app that is recognised without a Dockerfile. Pure: a tree and wishes in, a recipe out."""
