"""The modules of a generated project that no framework changes, each by itself."""
