"""Proofs on an emulated AWS: `python -m prove.stack` for `make prove`, and one module for each `make prove-…` and `make local`."""
