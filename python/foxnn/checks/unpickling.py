"""Checks of the attributes that pickles hold, as constructors check their arguments.

By default Python sets the attributes of an object to whatever a pickle holds.
"""

from __future__ import annotations

from typing import Any

from foxnn import checks


def attributes(state: object, kind: type, *names: str) -> dict[str, Any]:
    """Return the attributes that a pickle holds, which must include the given names.

    Raises
    ------
    ValueError
        If one is missing.
    """
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise ValueError(
            f"the state of {kind.__name__} must be a dict by names, got {checks.shown(state)}"
        )
    if missing := [name for name in names if name not in state]:
        raise ValueError(f"the state of {kind.__name__} lacks {', '.join(missing)}")
    return state


class Constants:
    """A frozen dataclass whose fields are checked when it is unpickled, too."""

    def __setstate__(self, state: object) -> None:
        import dataclasses  # late: a class that has any has imported it

        # A class without fields may be none. Python 3.10 gives its objects a state, too.
        fields: Any = dataclasses.fields(self) if dataclasses.is_dataclass(self) else ()
        self._keep(**attributes(state, type(self), *(field.name for field in fields)))
        check = getattr(self, "__post_init__", None)
        if check is not None:
            check()

    def _keep(self, /, **values: object) -> None:
        # Checked values are plain numbers, so that they print as such.
        for name, value in values.items():
            object.__setattr__(self, name, value)
