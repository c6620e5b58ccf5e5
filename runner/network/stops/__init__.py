"""Stopping rules, one file each: what ends a restart before its budget of steps."""
