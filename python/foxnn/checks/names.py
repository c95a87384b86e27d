"""Names that users pass: in upper or lower case, with aliases, and help for unknown ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from foxnn.checks.values import shown, text, word

# Signs that others put between the parts of a name, or leave out: LeakyReLU, leaky-relu.
_BETWEEN = str.maketrans("", "", "_- ")
# difflib's ratio from which on a name is likely to be meant: "rleu" has 0.75 of "relu".
_ALIKE = 0.6


class Names:
    """The names of all things of one kind.

    Parameters
    ----------
    what : str
        What they are names of, for messages.
    names : iterable of str
        The names in the order in which messages list them.
    aliases : mapping of str to str, optional
        Other names that are accepted, and the names that they stand for.
    elsewhere : mapping of str to str, optional
        Names in other libraries of something similar, for messages only: in lower case and without
        underscores.
    """

    def __init__(
        self,
        what: str,
        names: Iterable[str],
        aliases: Mapping[str, str] | None = None,
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        self._what = what
        self._aliases: dict[str, list[str]] = {name: [] for name in names}
        for alias, name in (aliases or {}).items():
            self._aliases[name].append(alias)
        self._spellings = {s: s for name, others in self._aliases.items() for s in (name, *others)}
        self.elsewhere = dict(elsewhere or {})
        for spelling in list(self._spellings):
            self._spellings.setdefault(_plain(spelling), spelling)

    def find(self, name: str) -> str | None:
        """Return the name or alias that a text spells in upper or lower case, or None."""
        found = self._spellings.get(name)  # first as it is: this is on the way to single steps
        return self._spellings.get(_plain(name)) if found is None else found

    def known(self, value: object, argument: str) -> str:
        """Return a name or alias as it is listed; ValueError or TypeError for anything else."""
        given = word(value, argument)
        found = self.find(given)
        if found is None:
            where = "" if argument == self._what else f"{argument}: "
            raise ValueError(
                f"{where}unknown {self._what} {shown(given)}{self.meant(given)}; known are "
                f"{self.listed()}"
            )
        return found

    def listed(self) -> str:
        """Return all names, their aliases in parentheses."""
        return ", ".join(
            f"{name} ({', '.join(others)})" if others else name
            for name, others in self._aliases.items()
        )

    def meant(self, given: str) -> str:
        """Return " (did you mean ...?)" with the name that is most alike, or ""."""
        other = self.elsewhere.get(_plain(given))
        return f" (did you mean {other!r}?)" if other else meant(given, self._spellings.values())


def choice(value: object, name: str, allowed: Iterable[str]) -> str:
    """Return the allowed string that is given, in upper or lower case."""
    known, found = list(allowed), text(value, name)
    if found in known:
        return found
    if (same := {one.lower(): one for one in known}.get(found.lower())) is not None:
        return same
    raise ValueError(
        f"{name} must be one of {', '.join(known)}; got {shown(found)}{meant(found, known)}"
    )


def meant(given: str, known: Iterable[str]) -> str:
    """Return " (did you mean ...?)" with the known name that is most alike, or ""."""
    from difflib import get_close_matches  # late: only for messages

    spellings = {_plain(name): name for name in known}
    close = get_close_matches(_plain(given), spellings, 1, _ALIKE)
    return f" (did you mean {spellings[close[0]]!r}?)" if close else ""


def _plain(name: str) -> str:
    return name.lower().translate(_BETWEEN)
