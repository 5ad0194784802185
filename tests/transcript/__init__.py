"""Transcripts: what was said in each session, as it goes into the rows and comes out of them."""
