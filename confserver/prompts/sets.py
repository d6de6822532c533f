"""Sets of prompts: the languages of the package, the server's own prompts, and folders that replace some of another's.

::

    SETS/acme/welcome.flac     one file is a set: whatever else it says is that of the set it extends
    SETS/acme/entry.wav        instead of the beep that tells of who comes (exit: of who goes)
    SETS/acme/prompts.toml     where wanted: extends, language, voice, forms, texts

All are read at once, whole or not at all.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from confserver.prompts.catalogue import (
    ENGLISH,
    HERE,
    LANGUAGES,
    LIST,
    NAME,
    Catalogue,
    CatalogueError,
    Texts,
    read_catalogue,
    read_texts,
    read_toml,
    texts_of,
)

OWN = "server"
"""The set that the setting sounds.prompts names."""
ENTRY, EXIT = "entry", "exit"
"""Names for what is heard when somebody comes or goes; without them these are beeps."""
_BEGINNINGS = (b"fLaC", b"RIFF", b"RF64", b"RIFX", b"OggS", b"ID3")
"""Of the files of these; a bare MP3 begins with eleven bits that are set (ISO 11172-3, 2.4.2.3)."""
SOUNDS = (".flac", ".wav", ".ogg", ".opus", ".mp3")
MOST_SETS, MOST_FILES, MOST_STEPS = 200, 5000, 8
_KEYS = ("extends", "language", "voice", "words_a_minute", "forms", "texts")


@dataclass(frozen=True, slots=True)
class PromptSet:
    """One of them: whatever rooms that use it can say."""

    name: str
    catalogue: Catalogue
    extends: str = ""
    own: Collection[str] = ()
    """What it has itself, where it extends another."""
    directory: Path = ENGLISH
    texts: Mapping[str, str] = field(default_factory=dict)

    def describe(self) -> dict[str, object]:
        return {
            "set": self.name,
            "language": self.catalogue.language,
            "voice": self.catalogue.voice,
            "extends": self.extends,
            "prompts": len(self.catalogue.files),
            "own": sorted(self.own),
        }


@dataclass(frozen=True, slots=True)
class Sets:
    """All sets by name, and which of them is the server's."""

    by_name: Mapping[str, PromptSet]
    usual: str = "en"

    @property
    def catalogues(self) -> dict[str, Catalogue]:
        return {name: each.catalogue for name, each in self.by_name.items()}

    def describe(self) -> list[dict[str, object]]:
        return [each.describe() | {"usual": name == self.usual} for name, each in self.by_name.items()]


@dataclass(frozen=True, slots=True)
class _Folder:
    """A set of one's own as it lies on the disk."""

    path: Path
    told: Mapping[str, object]
    files: dict[str, Path]


def read_sets(usual: str = "", prompts: Path | None = None, directory: Path | None = None) -> Sets:
    """Read the package's languages, the server's own ``prompts`` and the folders of ``directory``.

    ``usual``: the set of rooms whose rules do not say; empty: ``prompts``, else English. Raises CatalogueError.
    """
    if usual and prompts is not None:
        raise CatalogueError("sounds.language and sounds.prompts both say what rooms speak: leave one of them empty")
    usual = usual or ("en" if prompts is None else OWN)
    sets = {name: _whole(name, HERE / name) for name in LANGUAGES}
    if prompts is not None:
        sets[OWN] = _whole(OWN, prompts)
    folders = dict(_folders(directory, sets)) if directory is not None else {}
    if usual not in (*sets, *folders):
        raise CatalogueError(_missing("sounds.language", usual, (*sets, *folders)))
    extended = _extensions(folders, sets, usual)
    for name in sorted(folders, key=lambda name: len(_line(name, extended))):
        sets[name] = _extended(name, folders[name], sets[extended[name]])
    return Sets(sets, usual)


def _whole(name: str, directory: Path) -> PromptSet:
    texts = read_texts(directory / LIST)
    return PromptSet(name, read_catalogue(directory), directory=directory, texts=texts.texts)


# ------------------------------------------------------------------ folders
def _folders(directory: Path, taken: Collection[str]) -> Iterator[tuple[str, _Folder]]:
    try:
        found = sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise CatalogueError(f"{directory}: {error.strerror or error}") from error
    if len(found) > MOST_SETS:
        raise CatalogueError(f"{directory}: {len(found)} sets of prompts; {MOST_SETS} are the most")
    for path in found:
        if not NAME.match(path.name):
            raise CatalogueError(f"{path}: no set can be called so: small letters, digits and hyphens")
        if path.name in taken or path.name == OWN:
            raise CatalogueError(f"{path}: {path.name} is a set of the server's: give this one another name")
        yield path.name, _folder(path)


def _folder(path: Path) -> _Folder:
    try:
        told = read_toml(path / LIST) if (path / LIST).exists() else {}
        entries = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise CatalogueError(f"{error.filename or path}: {error.strerror or error}") from error
    if len(entries) > MOST_FILES:
        raise CatalogueError(f"{path}: {len(entries)} files; {MOST_FILES} are the most of a set")
    for key in told:
        if key not in _KEYS:
            raise CatalogueError(f"{path / LIST}: there is no {key[:64]}; it may have {', '.join(_KEYS)}")
    files: dict[str, Path] = {}
    for each in entries:
        if each.suffix.lower() not in SOUNDS or not each.is_file():
            continue
        if each.stem in files:
            raise CatalogueError(f"{path}: {files[each.stem].name} and {each.name} are the same prompt")
        if not _is_sound(each):
            raise CatalogueError(f"{each}: it is no sound file: WAV, FLAC, OGG, Opus and MP3 are")
        files[each.stem] = each
    return _Folder(path, told, files)


def _is_sound(path: Path) -> bool:
    """By its first bytes: whether all of it can be played shows when it is. Raises CatalogueError."""
    try:
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror or error}") from error
    return begin.startswith(_BEGINNINGS) or (len(begin) > 1 and begin[0] == 0xFF and begin[1] >= 0xE0)


# ------------------------------------------------------------------ which extends which
def _extensions(folders: Mapping[str, _Folder], whole: Collection[str], usual: str) -> dict[str, str]:
    """What each folder extends: where it does not say, the server's set, unless that one extends it."""
    said: dict[str, str] = {}
    for name, folder in folders.items():
        base = folder.told.get("extends", "")
        if not isinstance(base, str):
            raise CatalogueError(f"{folder.path / LIST}: extends is the name of a set")
        if base and base not in (*whole, *folders):
            raise CatalogueError(_missing(f"{folder.path / LIST}: extends", base, (*whole, *folders)))
        said[name] = base
    servers = _line(usual, said)
    extended = {name: base or ("en" if name in servers else usual) for name, base in said.items()}
    for name in extended:
        line = _line(name, extended)
        if len(line) > MOST_STEPS:
            raise CatalogueError(f"the set {name} extends itself, or too many others: {', '.join(line[:MOST_STEPS])}")
    return extended


def _line(name: str, extended: Mapping[str, str]) -> list[str]:
    """A set, that which it extends, and so on; not for ever."""
    line = [name]
    while extended.get(line[-1]) and len(line) <= MOST_STEPS:
        line.append(extended[line[-1]])
    return line


def _extended(name: str, folder: _Folder, base: PromptSet) -> PromptSet:
    """The base with this folder's files in place of its own. Raises CatalogueError."""
    said = Texts(base.catalogue.language, base.catalogue.voice, 150, {}, {})
    told = texts_of(folder.path / LIST, folder.told, said)
    known = {*base.catalogue.files, *base.texts, *told.texts, ENTRY, EXIT}
    for each in folder.files:
        if each not in known:
            alike = difflib.get_close_matches(each, known, n=1)
            hint = f"did you mean {alike[0]}?" if alike else f"what is new needs a text in {LIST}"
            raise CatalogueError(f"{folder.files[each]}: no prompt is called {each[:64]}; {hint}")
    catalogue = Catalogue(
        told.language, {**base.catalogue.files, **folder.files}, told.voice, {**base.catalogue.forms, **told.forms}
    )
    kept = {prompt: text for prompt, text in base.texts.items() if prompt not in folder.files}
    texts = {**kept, **told.texts}  # of a sound of its own nobody knows what it says, unless the list does
    return PromptSet(name, catalogue, base.name, frozenset(folder.files), folder.path, texts)


def _missing(where: str, name: str, there: Collection[str]) -> str:
    return f"{where}: there is no set {name[:64]}; there are: {', '.join(sorted(there))}"
