"""What the fuzz proofs are made of: Hypothesis strategies for command lines and for files of rows."""
