"""The conformance gate's vectors and the model that their expectations come from; ``child.gate`` runs them."""
