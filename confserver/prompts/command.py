"""The verbs ``confserver prompts make``, ``music`` and ``list``: other languages and voices, without a programmer.

What makes sound (numpy, soundfile, soxr) is imported only when something is made.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from confserver.prompts.catalogue import ENGLISH, HERE, LANGUAGES, LIST, CatalogueError, read_texts
from confserver.prompts.sets import read_sets

_FILE = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.group("prompts")
def prompts() -> None:
    """List what the server says, or make it in another language or voice.

    The server uses the prompts of a directory once the setting sounds.prompts names it; sets of prompts, which replace
    some of a language's, lie in the directory that sounds.sets names.
    """


@prompts.command("list")
@click.option("--language", default="", metavar="NAME", help="Of this language or set: en, de, fr, es, or one of DIR.")
@click.option("--sets", type=_DIRECTORY, metavar="DIR", help="Directory of sets of prompts, as sounds.sets names it.")
@click.option("--prompts", "directory", type=_DIRECTORY, metavar="DIR", help="Of this directory, not the English ones.")
def list_command(language: str, sets: Path | None, directory: Path | None) -> None:
    """List the names and texts of the prompts, how long they are, and from which set each comes."""
    try:
        known = read_sets("" if directory else language, directory, sets)
        chosen = known.by_name.get(language or known.usual)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from None
    if chosen is None:
        raise click.ClickException(f"there is no set of prompts {language}; there are: {', '.join(known.by_name)}")
    files, owner = chosen.catalogue.files, {each.directory: each.name for each in known.by_name.values()}
    names = list(dict.fromkeys((*chosen.texts, *files)))
    width = max(map(len, names))
    for name in names:
        path = files.get(name)
        rest = f"[{_seconds(path)}, {owner[path.parent]}]" if path else "[not made yet]"
        click.echo(f"{name:<{width}}  {chosen.texts.get(name, '')}  {rest}")


def _seconds(path: Path) -> str:
    import soundfile

    try:
        return f"{soundfile.info(path).duration:.1f} s"
    except (soundfile.SoundFileError, RuntimeError, OSError):
        return "cannot be played"


@prompts.command("make")
@click.option(
    "--texts",
    type=_FILE,
    metavar="FILE",
    help="The list of texts; without it that of the language, or the English one.",
)
@click.option("--language", help="Language of the texts, as espeak-ng calls it; else what the list says.")
@click.option("--voice", help="Voice of espeak-ng, such as de+f2; else that of the language, or what the list says.")
@click.option("--words-a-minute", type=click.IntRange(80, 400), help="How fast; else what the list says.")
@click.option("--out", type=_DIRECTORY, metavar="DIR", required=True, help="Where the files go.")
def make_command(
    texts: Path | None, language: str | None, voice: str | None, words_a_minute: int | None, out: Path
) -> None:
    """Speak a list of texts by espeak-ng into FLAC files.

    A list is TOML: language, voice, words_a_minute, and a table [texts] of names and what is said. Begin with a
    copy of the English one; a number that has a text of its own is said by it, all others are put together.
    """
    from confserver.prompts.making import MakingError, make_all

    try:
        told = read_texts(texts or (HERE / language if language in LANGUAGES else ENGLISH) / LIST)
        chosen = replace(
            told,
            language=language or told.language,
            voice=voice or (told.voice if language in (None, told.language) else language),
            words_a_minute=words_a_minute or told.words_a_minute,
        )
        make_all(chosen, out, click.echo)
    except (CatalogueError, MakingError) as error:
        raise click.ClickException(str(error)) from None


@prompts.command("music")
@click.option("--out", type=_FILE, metavar="FILE", required=True, help="FLAC file to write.")
def music_command(out: Path) -> None:
    """Make the piece of music that is played to those who wait."""
    from confserver.prompts.making import write
    from confserver.prompts.music import MUSIC_BITS, made

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(out, made(), MUSIC_BITS)
    except (OSError, RuntimeError) as error:
        raise click.ClickException(f"{out}: {error}") from None
