"""Write two spirals as a truth table: python docs/spirals.py [FILE.csv [POINTS]]

Two interleaved arms of POINTS points each, a full turn long, y = 0 on one and 1 on the other.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def spirals(points: int) -> np.ndarray:
    """Rows x1, x2, y: shape (2 * points, 3)."""
    angle = np.linspace(0, 2 * np.pi, points)
    radius = 0.3 + 0.7 * angle / (2 * np.pi)
    arm = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    label = np.repeat([[0.0], [1.0]], points, axis=0)
    return np.hstack([np.vstack([arm, -arm]), label])


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "spirals.csv")
    rows = spirals(int(sys.argv[2]) if len(sys.argv) > 2 else 24)
    lines = ["x1,x2,y", *(f"{a:.6f},{b:.6f},{c:.0f}" for a, b, c in rows)]
    path.write_text("\n".join(lines) + "\n")
