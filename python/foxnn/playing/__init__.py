"""A network that learns on a page while one turns its knobs: ``python -m foxnn play``.

The data of the page are here for programs, too: `plane_set`, `mnist` and `table`.
"""

from foxnn.playing.digits import mnist
from foxnn.playing.planes import plane_set
from foxnn.playing.tables import table

__all__ = ["mnist", "plane_set", "table"]
