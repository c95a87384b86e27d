"""What pickles say of plain objects, checked as constructors check what they are given.

By itself Python fills the attributes of an object with whatever a pickle holds.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from foxnn import checks


def attributes(state: object, kind: type, *names: str) -> dict[str, Any]:
    """Return the attributes that a pickle holds, if those that there must be are among them.

    Raises
    ------
    ValueError
        Where they are not.
    """
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise ValueError(
            f"the state of {kind.__name__} must be a dict by names, got {checks.shown(state)}"
        )
    if missing := [name for name in names if name not in state]:
        raise ValueError(f"the state of {kind.__name__} lacks {', '.join(missing)}")
    return state


class Constants:
    """A frozen dataclass whose fields are checked when it comes out of a pickle, too."""

    def __setstate__(self, state: object) -> None:
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        for name, value in attributes(state, type(self), *names).items():
            object.__setattr__(self, name, value)
        check = getattr(self, "__post_init__", None)
        if check is not None:
            check()
