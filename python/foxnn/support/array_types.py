"""NumPy's types of arrays for annotations, without the import of numpy.typing when a program runs.

That import takes as long as three modules of foxnn. Modules that `import foxnn` needs use these
names; all others import numpy.typing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray
else:
    import numpy as np

    ArrayLike = DTypeLike = Any

    class NDArray:
        """An array of some type, as numpy.typing has it."""

        def __class_getitem__(cls, kind: Any) -> Any:
            return np.ndarray[Any, np.dtype[kind]]


__all__ = ["ArrayLike", "DTypeLike", "NDArray"]
