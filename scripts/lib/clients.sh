# The phones that tests/interop call with: baresip, sipp (by apt) and pjsua2 (by pip), and pesq (by pip, with a C
# compiler), the ear of tests/engine/test_playout_speech.py. Sourced after environment.sh.
#
#   install_clients    -> installs what is missing and can be; names in one line what could not be
#
# Nothing here fails a run: a test without its phone says that it was not run. Only CI on Debian 12, where all
# of them are to be had, sets CONFSERVER_REQUIRE_CLIENTS, and the tests then fail instead.

install_clients() {
    install_by_apt
    has_pjsua2 || install_pjsua2 || true
    has_pesq || install_pesq || true
    missing=
    command -v baresip >/dev/null 2>&1 || missing="$missing baresip"
    command -v sipp >/dev/null 2>&1 || missing="$missing sipp"
    has_pjsua2 || missing="$missing pjsua2"
    has_pesq || missing="$missing pesq"
    if [ -n "$missing" ]; then
        echo "Could not be installed, their tests are not run:$missing" >&2
    fi
    if [ "${CI:-}" = true ] && is_debian_12; then
        export CONFSERVER_REQUIRE_CLIENTS=1
    fi
}

has_pjsua2() {
    "$venv/bin/python" -c 'import pjsua2' >/dev/null 2>&1
}

has_pesq() {
    "$venv/bin/python" -c 'import pesq' >/dev/null 2>&1
}

install_pesq() {
    (install_packages 'pesq>=0.0.4') >/dev/null 2>&1
}

# A wheel or nothing: it is never compiled.
install_pjsua2() {
    (install_packages --only-binary :all: 'pjsua2-python>=2.15') >/dev/null 2>&1
}

install_by_apt() {
    packages=
    command -v baresip >/dev/null 2>&1 || packages="$packages baresip-core"
    command -v sipp >/dev/null 2>&1 || packages="$packages sip-tester"
    if [ -z "$packages" ] || ! command -v apt-get >/dev/null 2>&1; then
        return 0
    fi
    as_root=
    if [ "$(id -u)" != 0 ]; then
        as_root="sudo -n"
        $as_root true >/dev/null 2>&1 || return 0
    fi
    as_root="$as_root env DEBIAN_FRONTEND=noninteractive"
    echo "confserver: installing$packages for the tests" >&2
    for package in $packages; do
        install="$as_root apt-get install -y -q --no-install-recommends $package"
        $install >/dev/null 2>&1 </dev/null || { $as_root apt-get update -q && $install; } >/dev/null 2>&1 </dev/null || true
    done
}

is_debian_12() {
    [ -r /etc/os-release ] && (. /etc/os-release && [ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ])
}
