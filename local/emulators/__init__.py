"""Emulators of AWS and of JW's API, for the demo and the proofs."""
