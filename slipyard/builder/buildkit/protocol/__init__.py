"""Generated from the .proto files beside it by `scripts/protoc`; never edited by hand."""
