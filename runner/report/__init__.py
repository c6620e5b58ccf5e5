"""What people look at: one self-contained HTML file with sentences, tables and figures.

Comes in: a study. Goes out: a page that needs no network, and each figure as SVG and PNG. It reads
tables and draws; it never computes what a table does not hold.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(__name__, {"write_report": "runner.report.writer"})
