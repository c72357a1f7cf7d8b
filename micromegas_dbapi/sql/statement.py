"""A statement's text and its tokens, which are found once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.sql.lexer import IGNORED, MAY_DIFFER, Token, readings

__all__ = ["Statement"]

# Pieces that the engines read in different ways, with their descriptions.
_DISPUTED = [
    (re.compile(piece), what)
    for piece, what in (
        (r"/\*!", "a comment that some engines run, /*! .. */"),
        (r"/\*", "a comment inside a comment, which some engines end elsewhere"),
        (r"[nN]'", "a string with the prefix N and a backslash"),
        (r"[nN]?[qQ]'", "a string with the prefix Q"),
        (r"@", "a quote behind @"),
        (r"\$", "a dollar-quoted string with a dollar sign in it"),
    )
]


@dataclass(frozen=True)
class Statement:
    """The text of one or several statements, and its tokens.

    The text is split when its tokens are first used: most statements without parameters, whose
    time range is known already, need none.

    Attributes
    ----------
    text : str
        The SQL.

    Raises
    ------
    ProgrammingError
        If the text is not a string, or if it has a lone surrogate.

    Examples
    --------
    >>> statement = Statement("SELECT 1 -- one")
    >>> [statement.text_of(token) for token in statement.code]
    ['SELECT', '1']
    """

    text: str

    def __post_init__(self) -> None:
        text: object = self.text
        if not isinstance(text, str):
            raise ProgrammingError(f"the statement is of type {type(text).__name__}; accepted: str")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ProgrammingError(
                f"the statement has a lone surrogate at character {error.start + 1}, which UTF-8 "
                "cannot encode"
            ) from None

    @cached_property
    def readings(self) -> tuple[tuple[Token, ...], ...]:
        """One list of tokens, or two if the engines differ: the newest engines' first.

        Returns
        -------
        tuple of tuple of Token
            See `micromegas_dbapi.sql.lexer.readings`.
        """
        return tuple(map(tuple, readings(self.text)))

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens as the newest engines read the text.

        Returns
        -------
        tuple of Token
            They cover the whole text.
        """
        return self.readings[0]

    @property
    def code(self) -> tuple[Token, ...]:
        """The tokens that have a meaning, as the newest engines read the text.

        Returns
        -------
        tuple of Token
            Without whitespace and comments.
        """
        return tuple(token for token in self.tokens if token.kind not in IGNORED)

    @cached_property
    def disputed(self) -> str | None:
        """The first piece that the engines read in different ways.

        Returns
        -------
        str or None
            A description of it for error messages; None if there is no such piece.

        Examples
        --------
        >>> Statement("SELECT 1 /*!50000 + 1 */").disputed
        'a comment that some engines run, /*! .. */'
        >>> Statement("SELECT 1 /* + 1 */ -- /*! + 1 */").disputed
        """
        if self.text.isascii() and not MAY_DIFFER.search(self.text):  # most statements
            return None
        newer, *differing = self.readings
        for older in differing:
            at = next(a.start for a, b in zip(newer, older, strict=False) if a != b)
            return next(what for piece, what in _DISPUTED if piece.match(self.text, at))
        for token in newer:
            word = self.text_of(token)
            if token.kind == "word" and not word.isascii() and word.upper().isascii():
                return f"{word}, which is {word.upper()} to some engines"
        return None

    def text_of(self, token: Token) -> str:
        """Return the text of a token.

        Parameters
        ----------
        token : Token
            A token of this statement.

        Returns
        -------
        str
            As it is written.
        """
        return self.text[token.start : token.end]
