"""The report of a study: one self-contained HTML file, and its figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.errors.paths import local_path
from runner.study import files

if TYPE_CHECKING:
    from runner.study.study import Study


def write_report(
    study: Study, out: str | Path | None = None, figures: str | Path | None = None
) -> Path:
    """Write a study's report.

    Parameters
    ----------
    study : Study
        Finished or not.
    out : str or Path, optional
        The HTML file; by default ``report.html`` in the study's folder.
    figures : str or Path, optional
        A folder for every figure as SVG and PNG; by default none are written.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    StudyError
        If a file cannot be written, as its path is a URI, or the study is damaged.
    """
    import numpy as np

    from runner.report.figures.order import draw_all
    from runner.report.figures.sheet import file_of
    from runner.report.landscape_tables import Landscape
    from runner.report.page import page

    target = study.report_path if out is None else local_path(out, StudyError, "file")
    drawn = None if figures is None else local_path(figures, StudyError)
    landscape = Landscape(study)
    # What overflows in a drawing or a mean is infinite or missing there, and shown as that.
    with np.errstate(all="ignore"):
        pictures = list(draw_all(study, landscape))
        content = page(study, landscape, pictures).encode()
        written = {target: content}
        if drawn is not None:
            for picture in pictures:
                for kind in ("svg", "png"):
                    written[drawn / f"{picture.name}.{kind}"] = file_of(picture, kind)
    for path, content in written.items():
        try:
            files.make_folder(path.parent)
            files.replace(path, content)
        except OSError as error:
            message = f"{printable(str(path))}: cannot write: {error.strerror or error}."
            raise StudyError(message) from error
    return target
