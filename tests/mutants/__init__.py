"""The faults of our history and others like them, one by one: the tests must notice each."""
