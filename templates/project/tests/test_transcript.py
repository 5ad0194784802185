"""What holds for the transcripts of this agent."""
