"""Text as it can be shown anywhere: what would move a cursor, or hide something, is written out."""


def printable(text: str) -> str:
    r"""Return `text` with what is not printable as in code, as `\r`; tabs stay."""
    return "".join(
        each if each.isprintable() or each == "\t" else repr(each)[1:-1] for each in text
    )
