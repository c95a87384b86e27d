"""The labels of a network's classes as a constant array of C."""

from __future__ import annotations

from collections.abc import Sequence


def class_names(name: str, classes: Sequence[str | int | bool] | None) -> list[str]:
    """Return the declaration of the labels, or nothing where these are the numbers themselves."""
    if classes is None or list(classes) == list(range(len(classes))):  # True is 1
        return []
    if isinstance(classes[0], str):
        kind, texts = "char *const", [text_in_c(str(label)) for label in classes]
    else:
        numbers = [int(label) for label in classes]
        kind = "unsigned long long" if max(numbers) >= 2**63 else "long long"
        texts = [_number(number, kind) for number in numbers]
    upper = name.upper()
    comment = "The labels of the classes, in the order of the outputs."
    if len(classes) == 2:
        comment += " With one output, it is the second where y[0] is above 0.5."
    rows = ",\n".join(f"  {text}" for text in texts)
    return [
        f"/* {comment} */\n#define {upper}_CLASSES {len(classes)}\n"
        f"static const {kind} {name}_classes[{upper}_CLASSES] = {{\n{rows}\n}};"
    ]


def text_in_c(text: str) -> str:
    """Return a string in UTF-8 as a literal of ASCII."""
    # Other bytes are octal, and question marks, too: some compilers take ??/ for a backslash.
    plain = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\\\?' else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "surrogatepass")
    )
    return f'"{plain}"'


def _number(number: int, kind: str) -> str:
    if number == -(2**63):  # the digits alone would be too large
        return "-9223372036854775807LL - 1"
    return f"{number}{'ULL' if kind.startswith('unsigned') else 'LL'}"
