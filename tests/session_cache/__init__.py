"""Tests of the session cache that every generated project carries."""
