"""The commands of those who work on the templates: check, snapshots, diff."""
