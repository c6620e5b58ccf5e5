"""Schedules of the learning rate and of momentum, one file each; `base` is for who adds one."""
