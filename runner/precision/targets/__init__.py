"""What a study can be asked to be precise about, one file each."""
