"""A network that learns on a page while one turns its knobs: ``python -m foxnn play``.

What the page's lines of Python need is here: its data, `plane_set`, `mnist` and `table`, and
`stop_after`.
"""

from foxnn.playing.digits import mnist
from foxnn.playing.planes import plane_set
from foxnn.playing.stopping import stop_after
from foxnn.playing.tables import table

__all__ = ["mnist", "plane_set", "stop_after", "table"]
