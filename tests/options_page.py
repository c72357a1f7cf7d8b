"""Write docs/options.md, and the parameters in the docstring of `connect()`, from the table.

``python -m tests.options_page`` writes both. `tests/test_options.py` compares them.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from micromegas_dbapi.options.option import Option
from micromegas_dbapi.options.option_table import OPTIONS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "options.md"
CONNECT = ROOT / "micromegas_dbapi" / "open_connection.py"
#: What the docstring has before and after the parameters of the table.
BEFORE, AFTER = (
    "then ``grpc://localhost:50051``. It also provides the credentials.\n",
    "    **others :",
)

SECTIONS = {
    "Every URL": (
        ("grpc", "http", "gateway", "web", "lake", "demo"),
        "All URLs accept these options, `lake:` and `demo:` too.",
    ),
    "Services": (("grpc", "http", "gateway", "web"), "All services accept these options."),
    "FlightSQL": (("grpc",), "`grpc://` and `grpc+tls://` accept these options."),
    "Arrow streams": (
        ("grpc", "web"),
        "`grpc://`, `web+http://` and the same over TLS accept this option.",
    ),
    "HTTP protocols": (
        ("http", "gateway", "web"),
        "`http://`, `gateway+http://`, `web+http://` and the same over TLS accept this option.",
    ),
    "HTTP service": (("http",), "`http://` and `https://` accept this option."),
    "Web app": (("web",), "`web+http://` and `web+https://` accept this option."),
    "Folders": (("lake",), "`lake:` accepts this option, in the URL only."),
    "Demo data": (("demo",), "`demo:` accepts these options, in the URL only."),
}

HEAD = """\
# Options

<!-- Written by python -m tests.options_page -->

Set an option as an argument of `connect()`, or in the query of the URL as the column *in a URL*
shows. An argument takes precedence. `None` means that an option is not set. In SQLAlchemy, pass
arguments in `connect_args` of `create_engine()`.

```python
import micromegas_dbapi as mm

mm.connect("grpc://analytics:50051?read_timeout=60&keepalive_ms=0", begin="-2h").close()
```

A wrong value, an unknown name, and an option of another protocol raise `ProgrammingError`. The
message names what was given and what is accepted. It never shows credentials, headers or proxies.

```python
try:
    mm.connect("grpc://analytics:50051", keepalive_ms=True)
except mm.ProgrammingError as error:
    print(error)
try:
    mm.connect("grpc://analytics:50051?keepalive=5")
except mm.ProgrammingError as error:
    print(error)
```

```text
keepalive_ms=True; accepted: an integer from 0 to 2147483647
unknown option 'keepalive' in the URL; did you mean keepalive_ms?
accepted: ...
```

Scalars of numpy are accepted where the Python type is, and path objects where a path is.
`connect(Path("incident"))` opens that folder, as `connect("lake:incident")` does. Percent-encode
special characters in URLs. `begin`, `end` and `timestamps` are also execution options of
[SQLAlchemy](sqlalchemy.md#the-time-range), and arguments of `cursor()`.
"""


def default_of(option: Option) -> str:
    """Return the default as Python or in words."""
    if option.default_text:
        return option.default_text
    return f'"{option.default}"' if isinstance(option.default, str) else repr(option.default)


def parameter(option: Option) -> str:
    """Return the text of an option in the docstring of `connect()`."""
    section = next(name for name, (wires, _) in SECTIONS.items() if wires == option.wires)
    only = "" if section in ("Every URL", "Services") else f"{section}: "
    meaning = option.meaning if not only else option.meaning[0].lower() + option.meaning[1:]
    in_url = f" In a URL: {option.in_url}." if option.in_url else ""
    text = f"{only}{meaning}{in_url} The default is {default_of(option)}."
    indent = " " * 8
    return (
        f"    {option.name} : {option.type.documented}, optional\n"
        + fill(text, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        + "\n"
    )


def page() -> str:
    """Return the text of docs/options.md."""
    parts = [HEAD]
    for title, (wires, sentence) in SECTIONS.items():
        rows = "".join(row(option) for option in OPTIONS.values() if option.wires == wires)
        parts.append(
            f"## {title}\n\n{sentence}\n\n"
            "| option | type | default | in a URL | meaning |\n|---|---|---|---|---|\n" + rows
        )
    return "\n".join(parts)


def row(option: Option) -> str:
    """Return the row of an option."""
    in_url = option.type.text or option.in_url or "not possible"
    kind = option.type.documented if option.argument else "in the URL only"
    cells = (f"`{option.name}`", kind, default_of(option), in_url, option.meaning)
    return f"| {' | '.join(cells)} |\n".replace("``", "`")


def docstring(source: str) -> str:
    """Return the source of `connect()` with the parameters of the table in its docstring."""
    head, _, rest = source.partition(BEFORE)
    _, after, tail = rest.partition(AFTER)
    parameters = "".join(parameter(option) for option in OPTIONS.values() if option.argument)
    return f"{head}{BEFORE}{parameters}{after}{tail}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    CONNECT.write_text(docstring(CONNECT.read_text("utf-8")), "utf-8")
