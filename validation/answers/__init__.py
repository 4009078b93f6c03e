"""What osteon answers to the questions of the oracles."""
