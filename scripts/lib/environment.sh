# Makes the virtual environment that every script runs in. Sourced, with $root set to the checkout.
#
#   prepare_environment [dev]    -> $venv is ready, with the package installed (and its dev extras)
#
# The stamp holds what the environment was made from, so that a second start only compares it. Whoever
# makes or mends an environment holds a lock on its folder's parent and leaves a marker while at work:
# two starts at once wait for each other, and one that was interrupted is noticed and done again.

MARKER=.half-made
export PATH # a shell without one in its environment keeps its own default to itself

fail() {
    echo "confserver: $*" >&2
    exit 2
}

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            return 0
        fi
    done
    fail "Python 3.11 or later is needed and none was found (Debian and Ubuntu: apt install python3 python3-venv)."
}

# Where the environment lives: in the checkout, else (not writable, not there yet) in the user's cache.
choose_place() {
    venv=$root/.venv
    if [ -w "$root" ] || is_ready "$1"; then
        return 0
    fi
    cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/confserver
    mkdir -p "$cache" 2>/dev/null || fail "neither $root nor $cache is writable; set XDG_CACHE_HOME to a folder that is."
    venv=$cache/venv-$(printf %s "$root" | cksum | tr ' ' -)
}

# What the environment must have been made from; a changed Python shows too.
wanted_stamp() {
    echo "$root $1"
    "$venv/bin/python" -I -S -c 'import sys; print(sys.version)' 2>/dev/null || return 1
    cat "$root/pyproject.toml"
}

is_ready() {
    [ ! -e "$venv/$MARKER" ] && [ -f "$venv/.stamp-$1" ] && wanted_stamp "$1" | cmp -s - "$venv/.stamp-$1"
}

prepare_environment() {
    extras=${1:-plain}
    choose_place "$extras"
    if is_ready "$extras"; then
        return 0
    fi
    find_python
    exec 9<"$(dirname "$venv")"
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' 9<&9 || fail "cannot lock $(dirname "$venv")."
    if ! is_ready "$extras"; then
        make_environment
    fi
    exec 9<&-
}

make_environment() {
    echo "confserver: setting up $venv (this once; a minute or so)" >&2
    if [ -e "$venv/$MARKER" ] || ! "$venv/bin/python" -c 'import encodings' >/dev/null 2>&1; then
        rm -rf "$venv"
    fi
    if [ ! -d "$venv" ]; then
        mkdir "$venv" && : >"$venv/$MARKER" || fail "cannot make $venv."
        create_empty
    fi
    : >"$venv/$MARKER"
    case $extras in
        plain) install_packages -e "$root" ;;
        *) install_packages -e "$root[$extras]" ;;
    esac
    wanted_stamp "$extras" >"$venv/.stamp-$extras"
    wanted_stamp plain >"$venv/.stamp-plain"
    rm -f "$venv/$MARKER"
}

# With pip inside where Python can do that; Debian's Python cannot without python3-venv.
create_empty() {
    if "$python" -c 'import ensurepip' 2>/dev/null && "$python" -m venv "$venv" >/dev/null 2>&1; then
        return 0
    fi
    "$python" -m venv --without-pip "$venv" >/dev/null 2>&1 || no_way_to_install
}

# Installs into the environment with the first installer there is.
install_packages() {
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        install_by "$venv/bin/python" -m pip install "$@"
    elif command -v uv >/dev/null 2>&1 && uv pip install -q --python "$venv/bin/python" "$@"; then
        :
    elif "$python" -m pip --python "$venv/bin/python" --version >/dev/null 2>&1; then
        install_by "$python" -m pip --python "$venv/bin/python" install "$@"
    elif "$venv/bin/python" "$root/scripts/lib/fetch_pip.py"; then
        install_by "$venv/bin/python" -m pip install "$@"
    else
        no_way_to_install
    fi
}

install_by() {
    PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 "$@" -qq >&2 || fail "the libraries could not be installed (see above); nothing was started."
}

no_way_to_install() {
    fail "this Python cannot make a virtual environment with pip in it; install it with: apt install python3-venv"
}
