"""Proofs on an emulated AWS. `make prove` runs prove.stack. `make prove-…` and `make local` run other modules."""
