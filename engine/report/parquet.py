"""Tables as Parquet, from the CSV files that were saved; needs the extra ``parquet``."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from coercivity.engine.errors import CoercivityError, ResourcesFailed, UsageError, refused

INSTALL = "pip install duckdb (or, in the repository's folder, pip install '.[parquet]')"


def require() -> None:
    """Nothing, where Parquet can be written.

    Raises
    ------
    UsageError
        The library is not installed.
    """
    if importlib.util.find_spec("duckdb") is None:
        raise UsageError("--parquet", "duckdb is not installed", f"{INSTALL}, or leave --parquet out")


def from_csv(file: Path) -> Path:
    """Write a CSV file's table beside it as ``.parquet`` and return that file.

    Whole or not at all; types are read from all rows, so that a column that is empty at first keeps its kind.

    Raises
    ------
    CoercivityError
        It cannot be written.
    """
    import duckdb

    target = file.with_suffix(".parquet")
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    quoted = [str(path).replace("'", "''") for path in (file, draft)]
    try:
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT * FROM read_csv('{quoted[0]}', header=true, sample_size=-1)) "
                f"TO '{quoted[1]}' (FORMAT parquet, COMPRESSION zstd)"
            )
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise refused(str(target), "cannot be written", error, "make room") from None
    except duckdb.Error as error:
        draft.unlink(missing_ok=True)
        # DuckDB hands on what the system said as a text; a table that it cannot read is no fault of the machine.
        gave_out = isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException)
        kind = ResourcesFailed if gave_out else CoercivityError
        raise kind(str(target), f"cannot be written: {str(error).splitlines()[0]}", "make room") from None
    return target
