"""NumPy's types of arrays for annotations, without the import of numpy.typing when a program runs.

That import takes as long as three modules of foxnn. Modules that `import foxnn` needs use these
names; all others import numpy.typing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray
else:
    ArrayLike = DTypeLike = Any
    NDArray = list  # an alias of it takes any type: NDArray[Any]

__all__ = ["ArrayLike", "DTypeLike", "NDArray"]
