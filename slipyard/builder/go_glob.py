"""Whether BuildKit takes a `.dockerignore` pattern at all.

It asks Go's `path/filepath.Match` whether the pattern fits the name "." and looks only at the syntax error. That function
stops at the first part between stars that does not fit, so what is broken behind it passes here and is judged when the
pattern is first tried on a path. The grammar: https://pkg.go.dev/path/filepath#Match.
"""

_NAME = "."


def check_glob(pattern: str) -> None:
    """`ValueError` says what is wrong."""
    name = _NAME
    while pattern:
        star, part, pattern = _part(pattern)
        if star and not part:
            return
        fits = _fits(part)
        if _consumes(fits, name) and (fits or not name or pattern):
            name = "" if fits else name
        elif star and name and not fits:
            name = ""  # the star took it
        else:
            return


def _consumes(fits: list[bool], name: str) -> bool:
    return not fits or (fits == [True] and name == _NAME)


def _part(pattern: str) -> tuple[bool, str, str]:
    """Whether stars stand in front, what comes up to the next star outside brackets, and the rest."""
    body = pattern.lstrip("*")
    star, inside, position = body != pattern, False, 0
    while position < len(body):
        sign = body[position]
        if sign == "*" and not inside:
            break
        inside = (inside or sign == "[") and sign != "]"
        position += 2 if sign == "\\" else 1
    return star, body[:position], body[position:]


def _fits(part: str) -> list[bool]:
    """For each sign of the part, whether it would take a dot."""
    fits, position = [], 0
    while position < len(part):
        sign = part[position]
        position += 1
        if sign == "[":
            fit, position = _brackets(part, position)
        elif sign == "\\":
            if position == len(part):
                raise ValueError("it ends with a backslash")
            fit, position = part[position] == _NAME, position + 1
        else:
            fit = sign in {"?", _NAME}
        fits.append(fit)
    return fits


def _brackets(part: str, position: int) -> tuple[bool, int]:
    negated = part.startswith("^", position)
    position += negated
    fit, first = False, True
    while first or not part.startswith("]", position):
        low, position = _sign(part, position)
        high = low
        if part.startswith("-", position):
            high, position = _sign(part, position + 1)
        fit, first = fit or low <= _NAME <= high, False
    return fit != negated, position + 1


def _sign(part: str, position: int) -> tuple[str, int]:
    sign = part[position : position + 1]
    if not sign or sign in "-]":
        raise ValueError("brackets are empty, not closed or begin with - or ]")
    position += sign == "\\"
    if position + 1 >= len(part):
        raise ValueError("a bracket is not closed")
    return part[position], position + 1
