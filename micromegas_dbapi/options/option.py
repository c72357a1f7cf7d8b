"""What an option is: its name and type, and how its value and its text in URLs are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from micromegas_dbapi.errors import ProgrammingError

__all__ = ["WIRES", "Option", "OptionType"]

#: The protocols, as options name them.
WIRES = ("grpc", "http", "gateway", "web", "lake", "demo")

# The length up to which errors show a value.
_SHOWN = 200


@dataclass(frozen=True)
class OptionType:
    """A type of options.

    Attributes
    ----------
    annotation : str
        The annotation in Python.
    documented : str
        The type as docstrings name it.
    accepted : str
        What errors say of accepted values.
    check : callable
        Returns an accepted value in the form that the driver uses. Raises ValueError for all
        others, with what is wrong unless the value itself shows it.
    text : str
        The accepted texts in a URL. Empty if it cannot be set there.
    read : callable
        Converts the text in a URL to the value to check, or raises ValueError.
    write : callable
        Converts a checked value to the text in a URL, or raises ValueError.
    secret : bool
        Whether values can contain a secret, so that errors must not show them.
    """

    annotation: str
    documented: str
    accepted: str
    check: Callable[[Any], Any]
    text: str = ""
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    secret: bool = False


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes
    ----------
    name : str
        In URLs and Python.
    type : OptionType
        Which values are accepted.
    meaning : str
        One or more sentences for the documentation.
    default : Any
        The value if it is not set.
    default_text : str
        The default as the documentation shows it, unless that is the value.
    wires : tuple of str
        The protocols that take it.
    argument : bool
        Whether `connect()` has an argument of this name. Otherwise it can only be set in a URL.
    per_statement : bool
        Whether it can also be set for a statement, as an execution option of SQLAlchemy.
    in_url : str
        What sets it in a URL, if its own name cannot be in the query.
    """

    name: str
    type: OptionType
    meaning: str
    default: Any = None
    default_text: str = ""
    wires: tuple[str, ...] = WIRES
    argument: bool = True
    per_statement: bool = False
    in_url: str = ""

    @property
    def has_text(self) -> bool:
        """Whether it can be set in the query of a URL."""
        return bool(self.type.text)

    def convert(self, value: Any) -> Any:
        """Check a value and convert it to the form that the driver uses.

        Parameters
        ----------
        value : Any
            As the user passed it; not None.

        Returns
        -------
        Any
            The converted value.

        Raises
        ------
        ProgrammingError
            If the value is not accepted.
        """
        try:
            return self.type.check(value)
        except (ValueError, TypeError, OverflowError) as error:
            problem = str(error) if type(error) is ValueError else ""
            raise self._refusal(value, "", problem, self.type.accepted) from None

    def read(self, text: str) -> Any:
        """Convert the text in a URL to a value.

        Parameters
        ----------
        text : str
            Decoded.

        Returns
        -------
        Any
            The converted value.

        Raises
        ------
        ProgrammingError
            If the text is not accepted.
        """
        try:
            return self.type.check(self.type.read(text))
        except ValueError:
            raise self._refusal(text, " in the URL", "", self.type.text) from None

    def write(self, value: Any) -> str:
        """Convert a value to the text in a URL.

        Parameters
        ----------
        value : Any
            As the user passed it; not None.

        Returns
        -------
        str
            Not percent-encoded.

        Raises
        ------
        ProgrammingError
            If the value is not accepted, or has no text.
        """
        checked = self.convert(value)
        try:
            text = self.type.write(checked)
            text.encode()  # halves of surrogate pairs in paths have no form in a URL
        except ValueError as error:
            raise ProgrammingError(
                f"{self.name}={value!r} cannot be written in a URL: {error}"
            ) from None
        return text

    def _refusal(self, value: Any, where: str, problem: str, accepted: str) -> ProgrammingError:
        if self.type.secret:
            problem = problem or f"a value of type {type(value).__name__}"
            return ProgrammingError(f"{self.name}{where}: {problem}; accepted: {accepted}")
        text = repr(value)
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        return ProgrammingError(f"{self.name}={text}{where}; accepted: {accepted}")
