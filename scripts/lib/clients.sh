# What tests call and listen with: baresip, sipp and Chromium (by apt), pjsua2 (by pip); espeak-ng (by apt) that speaks for hours;
# pesq (by pip, with a C compiler), the ear for speech; the denoiser of the extra. Sourced after environment.sh.
#
#   install_clients    -> installs what is missing and can be; names in one line what could not be
#
# A test without its phone says that it was not run. Only in CI on Debian 12, where all of them are to be had, what is
# missing is a failure, and CONFSERVER_REQUIRE_CLIENTS is set.

install_clients() {
    install_by_apt
    has_module pjsua2 || install_pjsua2 || true
    has_module pesq || install_quietly 'pesq>=0.0.4' || true
    has_module pyrnnoise || install_quietly 'pyrnnoise>=0.4' || true
    missing=
    for program in baresip sipp espeak-ng chromium; do
        command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
    done
    for module in pjsua2 pesq pyrnnoise; do
        has_module "$module" || missing="$missing $module"
    done
    if [ "${CI:-}" = true ] && is_debian_12; then
        export CONFSERVER_REQUIRE_CLIENTS=1
        [ -z "$missing" ] || fail "could not be installed, and tests need it:$missing"
    elif [ -n "$missing" ]; then
        echo "Could not be installed, their tests are not run:$missing" >&2
    fi
}

has_module() {
    "$venv/bin/python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)" >/dev/null 2>&1
}

install_quietly() {
    (install_packages "$@") >/dev/null 2>&1
}

# A wheel or nothing: it is never compiled.
install_pjsua2() {
    install_quietly --only-binary :all: 'pjsua2-python>=2.15'
}

install_by_apt() {
    packages=
    command -v baresip >/dev/null 2>&1 || packages="$packages baresip-core"
    command -v sipp >/dev/null 2>&1 || packages="$packages sip-tester"
    command -v espeak-ng >/dev/null 2>&1 || packages="$packages espeak-ng"
    command -v chromium >/dev/null 2>&1 || packages="$packages chromium"
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
