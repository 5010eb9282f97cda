"""Images from BuildKit, asked over its own gRPC protocol: `connect.py` finds the way in, `build.py` is one build.

No maintained Python client of BuildKit exists, so this one is ours. It stands on grpclib because grpcio can neither
dial nor serve on a connection that is already open, and BuildKit calls us back inside ours.
"""
