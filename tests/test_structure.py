"""The walls of the house: who imports whom, how large a file may grow, that each package says what it is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("confserver", "rooms")

EVERYBODY = frozenset({
    "sip", "sdp", "rtp", "formats", "contract", "rooms", "engine", "worker", "scribe", "transports", "focus", "routing",
    "admin", "config", "storage", "client", "phone", "doctor", "bench", "app", "log",
    "prompts", "plan", "backup", "route_words",
})  # fmt: skip
TOOLS = EVERYBODY - {"app", "admin"}

ROWS_OF_ROUTES = frozenset({"config.routes", "config.route_rows", "config.route_checks"})

MAY_IMPORT: dict[str, frozenset[str]] = {
    "sip": frozenset(),
    "rtp": frozenset(),
    "formats": frozenset(),
    "contract": frozenset(),
    "rooms": frozenset(),
    "config": frozenset({"route_words"}),
    "route_words": frozenset(),
    "storage": frozenset(),
    "client": frozenset(),
    "log": frozenset(),
    "prompts": frozenset(),
    "backup": frozenset({"config"}),
    "plan": frozenset({"rooms", "config.toml", "routing.refusals", "routing.bans", "routing.users"}) | ROWS_OF_ROUTES,
    "sdp": frozenset({"formats"}),
    "engine": frozenset({"rtp", "formats", "contract"}),
    "worker": frozenset({"engine", "rtp", "contract"}),
    "scribe": frozenset({"contract", "prompts"}),
    "transports": frozenset({"sip", "contract"}),
    "routing": frozenset({"sip"}),
    "focus": frozenset({"rooms", "sip", "sdp", "formats", "contract", "routing", "prompts"}),
    "admin": frozenset({"rooms", "routing.commands"}),
    "phone": TOOLS,
    "doctor": TOOLS,
    "bench": TOOLS,
    "app": EVERYBODY,
    "__main__": EVERYBODY,
}
"""Who may import whom, as docs/architecture.md has it. Nobody imports app, except __main__, which joins everything."""

ALSO = {
    "routing.commands": frozenset({"rooms.commands", "rooms.participant"}),
    "routing.commands.command": frozenset({"rooms.participant"}),
    "routing.commands.routes": frozenset({"route_words"}),
}
"""Single modules that may see more than their package."""

TWISTED = frozenset({"transports", "admin", "storage", "app", "phone", "doctor", "bench", "client", "__main__", "log"})
SHELLS = TWISTED | {"scribe", "worker.loop", "backup"}
"""Only these read a clock: everybody else is given ``now``."""
CLOCKS = {"time.time", "time.monotonic", "time.perf_counter", "time.sleep", "datetime.datetime.now", "datetime.now"}

MOST_LINES = 400
MOST_LINES_IN_A_FUNCTION = 60


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit_of(module: str) -> str:
    """The name in the table: ``confserver.sip.message`` -> ``sip``, ``rooms.policy`` -> ``rooms``."""
    parts = module.split(".")
    return parts[1] if parts[0] == "confserver" and len(parts) > 1 else parts[0]


def imported(module: str, is_package: bool, tree: ast.AST) -> Iterator[str]:
    """All modules that are imported, anywhere in the file, also for type checking only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: None if is_package and node.level == 1 else -(node.level - is_package)]
                base = ".".join([*parents, base] if base else parents)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def exists(module: str) -> bool:
    place = ROOT.joinpath(*module.split("."))
    return place.with_suffix(".py").is_file() or place.is_dir()


def forbidden(module: str, tree: ast.AST, is_package: bool = False) -> list[str]:
    """What the module imports against the table."""
    unit = unit_of(module)
    if module == "confserver":
        return [name for name in imported(module, is_package, tree) if name.split(".")[0] in PACKAGES]
    allowed = MAY_IMPORT[unit] | ALSO.get(module.removeprefix("confserver."), frozenset())
    wrong = []
    for name in imported(module, is_package, tree):
        if name.split(".")[0] not in PACKAGES or unit_of(name) == unit or name.startswith("confserver.__version__"):
            continue
        short = name.removeprefix("confserver.")
        if not any(short == a or short.startswith(a + ".") for a in allowed):
            wrong.append(name)
    return wrong


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def of_each_file(check: Callable[[Path], None]) -> Callable[[], None]:
    """One test of all files, which names every fault: hundreds of small ones would take longer to begin than to run."""

    def test() -> None:
        faults = []
        for path in sources():
            try:
                check(path)
            except AssertionError as fault:
                faults.append(str(fault).partition("\nassert ")[0])
        assert not faults, "\n".join(faults)

    return test


def test_every_module_has_a_place_in_the_table() -> None:
    units = {unit_of(module_of(path)) for path in sources()} - {"confserver"}
    assert units <= MAY_IMPORT.keys(), f"not in DESIGN's table: {units - MAY_IMPORT.keys()}"


@of_each_file
def test_imports_go_the_allowed_way(path: Path) -> None:
    wrong = forbidden(module_of(path), parsed(path), path.name == "__init__.py")
    assert not wrong, f"{module_of(path)} may not import {', '.join(wrong)}"


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("confserver.sip.call", "from confserver.sdp.description import Description"),
        ("confserver.sip.call", "from confserver import rtp"),
        ("confserver.sip.call", "from ..rtp import header"),
        ("confserver.sip.call", "if TYPE_CHECKING:\n    from rooms.room import Room"),
        ("rooms.room", "def late():\n    import confserver.contract"),
        ("confserver.routing.guard", "from rooms.commands import Mute"),
        ("confserver.admin.http", "from confserver.routing.location import Location"),
        ("confserver.focus.focus", "from confserver.app import App"),
        ("confserver.bench.load", "from confserver.admin.http import Site"),
        ("confserver.engine.tick", "import confserver.worker.loop"),
    ],
)
def test_a_wrong_import_is_seen(module: str, line: str) -> None:
    assert forbidden(module, ast.parse(line))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("confserver.sip.call", "from confserver.sip.message import Request"),
        ("confserver.sip.call", "from .message import Request"),
        ("confserver.sip.call", "from . import message"),
        ("confserver.routing.commands", "from rooms.commands import Command"),
        ("confserver.admin.http", "from confserver.routing.commands import Command"),
        ("confserver.focus.focus", "from confserver.contract import OpenLeg"),
        ("confserver.__main__", "from confserver.app import App"),
        ("confserver.sip.call", "import enum, json.decoder"),
    ],
)
def test_a_right_import_passes(module: str, line: str) -> None:
    assert not forbidden(module, ast.parse(line))


@of_each_file
def test_twisted_stays_in_the_shells(path: Path) -> None:
    module = module_of(path)
    names = [
        n for n in imported(module, path.name == "__init__.py", parsed(path)) if n.split(".")[0] in ("twisted", "klein")
    ]
    assert not names or unit_of(module) in TWISTED, f"{module} imports {names}"


@of_each_file
def test_only_the_shells_read_a_clock(path: Path) -> None:
    module = module_of(path)
    if unit_of(module) in SHELLS or module.removeprefix("confserver.") in SHELLS or unit_of(module) == "worker":
        return
    calls = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    read = {ast.unparse(call) for call in calls} & CLOCKS
    assert not read, f"{module} reads a clock: {read}"


@of_each_file
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    lines = path.read_text("utf-8").count("\n")
    assert lines <= MOST_LINES, f"{path.relative_to(ROOT)} has {lines} lines: two ideas?"


@of_each_file
def test_functions_are_short(path: Path) -> None:
    long = [
        f"{node.name} ({node.end_lineno - node.lineno + 1})"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MOST_LINES_IN_A_FUNCTION
    ]
    assert not long, f"{path.relative_to(ROOT)}: {', '.join(long)}"


@of_each_file
def test_every_module_says_what_it_is_for(path: Path) -> None:
    said = ast.get_docstring(parsed(path))
    assert said, f"{path.relative_to(ROOT)} has no docstring"


def test_the_house_is_there() -> None:
    """The checks above would pass on an empty folder."""
    assert len(sources()) > 20
    assert all(exists(f"confserver.{unit}") for unit in ("sip", "sdp", "rtp", "engine", "worker", "focus", "contract"))
