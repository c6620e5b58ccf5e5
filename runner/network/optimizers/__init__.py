"""Update rules of the optimizers, one file each, as symbolic expressions on lists of tensors."""
