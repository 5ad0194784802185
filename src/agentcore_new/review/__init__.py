"""What those who work on the templates use: check, snapshots, diff. It needs a checkout."""
