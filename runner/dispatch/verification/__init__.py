"""Whether workers compute the right bits: canaries before one is believed, audits after.

Results wait until the canaries of the workers that sent them have been compared.
"""
