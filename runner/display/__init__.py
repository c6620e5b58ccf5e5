"""What a terminal or a notebook shows of work in progress, and of tables.

Comes in: a progress, a plan, columns of text. Goes out: a live panel, plain lines, a bar; a table
that fits the terminal. It never knows who asked, nor what the work is for.
"""
