"""scripts/serve on odd machines: what cannot work is said in one line, what was made before is used at once."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("sh", "dirname", "cat", "cksum", "tr", "cmp", "mkdir", "rm", "ls", "head", "ln", "sleep")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the scripts look at."""
    place = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", place / "scripts")
    (place / "pyproject.toml").write_text("[project]\nname = 'confserver'\n")
    return place


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with the plainest tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    return folder


def python_without(folder: Path, *modules: str) -> None:
    """A python3 on the PATH that lacks some modules."""
    hidden = folder.parent / "hidden"
    hidden.mkdir()
    for module in modules:
        (hidden / f"{module}.py").write_text(f"raise ImportError('no {module}')\n")
    script = folder / "python3"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={hidden} exec {os.path.realpath(sys.executable)} "$@"\n')
    script.chmod(0o755)


def serve(checkout: Path, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": str(checkout.parent), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    command = [str(checkout / "scripts" / "serve"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_no_python_is_one_line(checkout: Path, bare_path: Path) -> None:
    done = serve(checkout, bare_path)
    assert done.returncode == 2
    assert "Python 3.11 or later is needed" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_old_python_is_not_taken(checkout: Path, bare_path: Path) -> None:
    old = bare_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert "Python 3.11 or later is needed" in serve(checkout, bare_path).stderr


def test_no_way_to_install_names_the_package(checkout: Path, bare_path: Path) -> None:
    python_without(bare_path, "ensurepip", "pip")
    done = serve(checkout, bare_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("apt install python3-venv")
    assert "Traceback" not in done.stderr


def make_ready(checkout: Path, bare_path: Path) -> None:
    """An environment as an earlier start would have left it, with a server that says that it started."""
    binaries = checkout / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(os.path.realpath(sys.executable))
    server = binaries / "confserver"
    server.write_text('#!/bin/sh\necho "started $*"\n')
    server.chmod(0o755)
    stamp = f"root={checkout}; . {checkout}/scripts/lib/environment.sh; venv=$root/.venv; wanted_stamp plain"
    stamped = subprocess.run(["sh", "-c", stamp], capture_output=True, check=True, env={"PATH": str(bare_path)})
    (checkout / ".venv" / ".stamp-plain").write_bytes(stamped.stdout)


def test_a_second_start_is_quick_and_becomes_the_server(checkout: Path, bare_path: Path) -> None:
    make_ready(checkout, bare_path)
    took = []
    for _ in range(3):
        before = time.perf_counter()
        done = serve(checkout, bare_path, "--config", "a b.toml")
        took.append(time.perf_counter() - before)
        assert (done.returncode, done.stdout, done.stderr) == (0, "started serve --config a b.toml\n", "")
    assert min(took) < 0.3


@pytest.mark.parametrize("change", ["pyproject", "interrupted", "moved"])
def test_a_stale_or_half_made_environment_is_not_used(checkout: Path, bare_path: Path, change: str) -> None:
    make_ready(checkout, bare_path)
    if change == "pyproject":
        (checkout / "pyproject.toml").write_text("[project]\nname = 'confserver'\ndependencies = ['more']\n")
    elif change == "interrupted":
        (checkout / ".venv" / ".half-made").touch()
    else:
        checkout = checkout.rename(checkout.with_name("elsewhere"))
    done = serve(checkout, bare_path)
    assert done.returncode == 2, "there is no Python to mend it with"
    assert "started" not in done.stdout


def made_wheel(folder: Path, version: str) -> Path:
    """A stand-in for pip: running it notes its arguments beside it."""
    wheel = folder / f"pip-{version}-py3-none-any.whl"
    note = folder / "asked"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pip/__main__.py", f"import sys\nopen({str(note)!r}, 'w').write(' '.join(sys.argv[1:]))\n")
    return wheel


def fetch_pip(**environment: str) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "scripts" / "lib" / "fetch_pip.py")
    bare = {"PATH": "/nonexistent", "XDG_CONFIG_DIRS": "/nonexistent", **environment}
    command = [sys.executable, script]
    return subprocess.run(command, env=bare, capture_output=True, text=True, timeout=60, check=False)


def test_pip_comes_from_the_configured_index(tmp_path: Path) -> None:
    folder = tmp_path / "simple" / "pip"
    folder.mkdir(parents=True)
    made_wheel(folder, "9.1")
    newest = made_wheel(folder, "24.10")
    too_new = made_wheel(folder, "99.0")
    checksum = hashlib.sha256(newest.read_bytes()).hexdigest()
    (folder / "index.html").write_text(
        f'<a href="pip-9.1-py3-none-any.whl">old</a> <a href="{newest.name}#sha256={checksum}" '
        f'data-requires-python="&gt;=3.9">right</a> <a href="{too_new.name}" data-requires-python="&gt;=3.99">no</a>'
    )
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nindex-url = {(tmp_path / 'simple').as_uri()}\n")
    done = fetch_pip(PIP_CONFIG_FILE=str(config), PIP_NO_INDEX="")
    assert done.returncode == 0, done.stderr
    asked = (folder / "asked").read_text()
    assert asked.startswith("install") and asked.endswith(newest.name)


def test_a_wheel_with_a_wrong_checksum_is_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "simple" / "pip"
    folder.mkdir(parents=True)
    wheel = made_wheel(folder, "24.10")
    (folder / "index.html").write_text(f'<a href="{wheel.name}#sha256={"0" * 64}">x</a>')
    done = fetch_pip(PIP_CONFIG_FILE=os.devnull, PIP_INDEX_URL=(tmp_path / "simple").as_uri())
    assert done.returncode == 1
    assert not (folder / "asked").exists()
    assert "checksum" in done.stderr


def test_no_index_named_is_a_plain_no() -> None:
    done = fetch_pip(PIP_INDEX_URL="", PIP_EXTRA_INDEX_URL="", PIP_FIND_LINKS="")
    assert (done.returncode, done.stderr) == (1, "")


def install_clients(checkout: Path, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Only the part of scripts/test that installs phones, with no pjsua2 to be had; what it exports in the end."""
    lines = (
        f"root={checkout}; venv=$root/.venv; . $root/scripts/lib/environment.sh; . $root/scripts/lib/clients.sh",
        'has_module() { [ "$1" != pjsua2 ]; }; install_pjsua2() { false; }',
        'install_clients; echo "required: ${CONFSERVER_REQUIRE_CLIENTS:-no}"',
    )
    command = ["sh", "-e", "-c", "\n".join(lines)]
    bare = {"PATH": str(path), **environment}
    return subprocess.run(command, env=bare, capture_output=True, text=True, timeout=60, check=False)


def executable(path: Path, text: str) -> None:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def test_phones_come_by_apt_after_an_update(checkout: Path, bare_path: Path) -> None:
    (bare_path / "env").symlink_to(shutil.which("env") or "")
    (bare_path / "chmod").symlink_to(shutil.which("chmod") or "")
    executable(bare_path / "id", "echo 0\n")
    apt = (
        f'echo "$DEBIAN_FRONTEND $*" >>{bare_path}/asked\n'
        f'case "$*" in update*) echo >{bare_path}/updated ;; *) [ -e {bare_path}/updated ] || exit 100 ;; esac\n'
        f'case "$*" in *baresip*) echo "#!/bin/sh" >{bare_path}/baresip; chmod +x {bare_path}/baresip ;;\n'
        f'*espeak-ng*) echo "#!/bin/sh" >{bare_path}/espeak-ng; chmod +x {bare_path}/espeak-ng ;;\n'
        "*sip-tester*) exit 100 ;; esac\n"
    )
    executable(bare_path / "apt-get", apt)
    done = install_clients(checkout, bare_path)
    assert done.returncode == 0, done.stderr
    assert "required: no" in done.stdout
    assert done.stderr.splitlines()[-1] == "Could not be installed, their tests are not run: sipp chromium pjsua2"
    asked = (bare_path / "asked").read_text().splitlines()
    assert all(line.startswith("noninteractive ") for line in asked)
    assert asked[1] == "noninteractive update -q", "only after the first try"


def test_without_rights_nothing_is_installed_and_nothing_fails(checkout: Path, bare_path: Path) -> None:
    executable(bare_path / "id", "echo 1000\n")
    executable(bare_path / "sudo", "exit 1\n")
    executable(bare_path / "apt-get", f"echo >{bare_path}/asked\n")
    done = install_clients(checkout, bare_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "Could not be installed, their tests are not run: baresip sipp espeak-ng chromium pjsua2\n"
    assert not (bare_path / "asked").exists()


def test_ci_on_debian_12_requires_the_phones(checkout: Path, bare_path: Path) -> None:
    script = checkout / "scripts" / "lib" / "clients.sh"
    release = checkout / "os-release"
    script.write_text(script.read_text().replace("/etc/os-release", str(release)))
    for text, ci in (('ID=debian\nVERSION_ID="12"\n', ""), ('ID=ubuntu\nVERSION_ID="24.04"\n', "true")):
        release.write_text(text)
        assert "required: no\n" in install_clients(checkout, bare_path, CI=ci).stdout
    release.write_text('ID=debian\nVERSION_ID="12"\n')
    done = install_clients(checkout, bare_path, CI="true")
    assert done.returncode == 2 and "tests need it: baresip sipp espeak-ng chromium pjsua2" in done.stderr
    script.write_text(script.read_text().replace('command -v "$program"', "true"))
    script.write_text(script.read_text().replace('has_module "$module"', "true"))
    assert "required: 1\n" in install_clients(checkout, bare_path, CI="true").stdout


def test_no_slow_test_lies_where_scripts_test_does_not_look() -> None:
    words = (ROOT / "scripts" / "test").read_text("utf-8").partition('real="')[2].partition('"')[0].split()
    marked = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if any(f"mark.{name}" in path.read_text("utf-8") for name in ("sl" + "ow", "inter" + "op"))
    ]
    looked = (*(f"{word}/" for word in words), "tests/engine/")
    assert len(marked) > 50 and [path for path in marked if not path.startswith(looked)] == []
