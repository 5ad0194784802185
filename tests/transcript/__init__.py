"""The package `chat` of generated projects, and its stores."""
