"""Settings: defaults, files, and one clear line for whatever is wrong."""

from __future__ import annotations

import ipaddress
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.client import control
from confserver.config import ConfigError, Settings, checks, default_state_directory, load
from confserver.config.checks import trunk_host
from confserver.config.settings import PRIVATE_NETWORKS
from confserver.config.text import as_toml, settings_table
from confserver.config.toml import toml_value
from rooms.policy import DEFAULT_MAX_PARTICIPANTS, MOST_PARTICIPANTS


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "confserver.toml"
    path.write_text(text)
    return path


# ------------------------------------------------------------------ what works
def test_no_file_gives_the_defaults() -> None:
    settings = load(None)
    assert settings == Settings()
    assert (settings.sip.port, settings.sip.listens_on()) == (5060, ())
    assert settings.sip.transports == ("udp", "tcp", "tls", "ws", "wss")
    assert settings.sip.other_ports() == {"tls": 5061, "ws": 5066, "wss": 7443} and settings.sip.tls_files() is None
    assert settings.http_endpoint() == ("127.0.0.1", 8070)
    assert settings.media.worker_count() >= 1
    assert settings.rooms.max_participants == DEFAULT_MAX_PARTICIPANTS


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        [sip]
        addresses = ["192.0.2.1", "2001:db8::1"]
        trusted_networks = ["198.51.100.0/24"]
        [rtp]
        silence_s = 30
        [media]
        workers = 2
        """,
    )
    settings = load(path)
    assert settings.sip.listens_on() == (ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1"))
    assert settings.sip.trusted() == (ipaddress.ip_network("198.51.100.0/24"),)
    assert settings.rtp.silence_s == 30.0
    assert settings.media.worker_count() == 2
    assert settings.http == Settings().http


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:8070", ("::1", 8070)),
        ("unix:/run/confserver.sock", Path("/run/confserver.sock")),
        ("unix", Path("/var/lib/c/http.sock")),
    ],
)
def test_http_addresses(tmp_path: Path, address: str, endpoint: object) -> None:
    path = written(tmp_path, f'[http]\naddress = "{address}"\n[state]\ndirectory = "/var/lib/c"')
    assert load(path).http_endpoint() == endpoint


def test_the_state_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    for value, expected in (
        ("/state", "/state/confserver"),
        ("relative", "/home/anna/.local/state/confserver"),
        ("", "/home/anna/.local/state/confserver"),
    ):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert default_state_directory() == Path(expected)
        assert control.default_state_directory() == Path(expected), "the client looks elsewhere"
        assert Settings().state.path() == Path(expected)


def test_tilde_is_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    settings = load(written(tmp_path, '[state]\ndirectory = "~/c"\n[log]\nfile = "~/c.log"'))
    assert settings.state.path() == Path("/home/anna/c")
    assert settings.log.path() == Path("/home/anna/c.log")


# ------------------------------------------------------------------ what does not
BAD = [
    ("[sip]\nprot = 5060", "sip.prot", "did you mean sip.port?"),
    ("[spi]\nport = 5060", "spi", "did you mean sip?"),
    ("port = 5060", "port", "did you mean sip.port?"),
    ("[media]\nport_min = 5060", "media.port_min", "did you mean rtp.port_min?"),
    ("[zzz]", "zzz", "confserver settings lists all"),
    ('[sip]\nport = "5060"', "sip.port", "expected int, got str"),
    ("[sip]\nport = 65536", "sip.port", "<= 65535"),
    ("[sip]\nport = true", "sip.port", "expected int"),
    ("sip = 3", "sip", "expected object"),
    ('[sip]\naddresses = "192.0.2.1"', "sip.addresses", "expected array"),
    ('[sip]\naddresses = ["anna.example"]', "sip.addresses", "not an IP address"),
    ('[sip]\naddresses = ["224.0.0.1"]', "sip.addresses", "multicast"),
    ('[sip]\naddresses = ["0.0.0.0"]', "sip.addresses", "list none"),
    ('[sip]\naddresses = ["192.0.2.1", "192.0.2.1"]', "sip.addresses", "twice"),
    ('[sip]\ntransports = ["sctp"]', "sip.transports[0]", "'sctp'"),
    ("[sip]\ntransports = []", "sip.transports", "list at least one"),
    ('[sip]\ntransports = ["tls", "tls"]', "sip.transports", "each once"),
    ("[sip]\ntls_port = 5060", "sip.tls_port", "5060 is the port of tcp already"),
    ("[sip]\nws_port = 7443", "sip.tls_port", "7443 is the port of ws already"),
    ('[sip]\nws_path = "ws"', "sip.ws_path", "not the path of a URL"),
    ('[sip]\nattribute_headers = ["Subject"]', "sip.attribute_headers", "not a header of one's own"),
    ('[sip]\nattribute_headers = ["X-Pin"]', "sip.attribute_headers", "never shown"),
    ('[sip]\nattribute_headers = ["X-A", "x-a"]', "sip.attribute_headers", "each once"),
    ('[forward]\nnetworks = ["recorder.example.com"]', "forward.networks", "is not a network"),
    ('[forward]\nnetworks = ["192.0.2.7/24"]', "forward.networks", "did you mean 192.0.2.0/24"),
    ('[sip]\nws_origins = ["phone.example.com"]', "sip.ws_origins", "not an origin"),
    ('[sip]\nws_origins = ["https://phone.example.com/"]', "sip.ws_origins", "without a path"),
    ('[sip]\ntls_certificate = "/etc/c.pem"', "sip.tls_certificate", "go together"),
    ('[sip]\ntls_certificate = "c.pem"\ntls_key = "k.pem"', "sip.tls_certificate", "neither absolute"),
    ('[sip]\ntls_authorities = "ca.pem"', "sip.tls_authorities", "neither absolute"),
    ('[sip]\npublic_address = "confs.example"', "sip.public_address", "not an IP address"),
    ('[sip]\npublic_address = "0.0.0.0"', "sip.public_address", "no peer can reach"),
    ('[dialout]\nprefixes = ["+49a"]', "dialout.prefixes", "not the beginning of a number"),
    ("[routes]\nto = 1", "routes", "write [[routes]]"),
    ('[[routes]]\nuser = ["a b"]', "routes", "row 1: user: 'a b' is no pattern"),
    ('[[routes]]\nname = "x"\nuser = ["*****"]', "routes", "row 1 (x): user: '*****' has more than 4 stars"),
    ('[[routes]]\ndomain = [""]', "routes", "domain: '' is no pattern"),
    ('[[routes]]\nmethod = ["invite"]', "routes", "no method such as INVITE"),
    ('[[routes]]\nmethod = ["REGISTER"]', "routes", "never routed"),
    ('[[routes]]\nsource = ["192.0.2.1/24"]', "routes", "not a network"),
    ('[[routes]]\ngroup = ["staff"]', "routes", "there is no [[groups]] called 'staff'"),
    ('[[routes]]\ndays = ["sunday"]', "routes[0].days[0]", "sunday"),
    ('[[routes]]\nhours = "8-18"', "routes", "not a time of day"),
    ('[[routes]]\nhours = "25:00-26:00"', "routes", "not a time of day"),
    ('[[routes]]\nto = "moon"', "routes[0].to", "moon"),
    ('[[routes]]\nto = "trunk"', "routes", "wants a target"),
    ('[[routes]]\nto = "trunk"\ntarget = ["x"]', "routes", "there is no [[trunks]] called 'x'"),
    ('[[routes]]\nto = "room"\ntarget = ["a", "b"]', "routes", "takes one target"),
    ('[[routes]]\nto = "address"\ntarget = ["192.0.2.5"]', "routes", "not an address such as"),
    ('[[routes]]\nto = "redirect"\ntarget = ["sip:a@b>"]', "routes", "not an address such as"),
    ('[[routes]]\nto = "reject"\ntarget = ["a"]', "routes", "has no target"),
    ('[[routes]]\nto = "reject"\nstatus = 302', "routes", "takes 400 to 699"),
    ('[[routes]]\nto = "room"\nstatus = 404', "routes", "takes none"),
    ('[[routes]]\nto = "reject"\nreason = "a\\nb"', "routes", "reason: printable ASCII"),
    ('[[routes]]\n[[routes]]\nto = "trunk"', "routes", "row 2: to = 'trunk' wants a target"),
    ('[[routes]]\nusers = ["bob"]', "routes.users", "did you mean routes.user?"),
    ("[[routes]]\nstrip = 65", "routes[0].strip", "<= 64"),
    ('[[groups]]\nmembers = ["a"]', "groups", "'' is no name"),
    ('[[groups]]\nname = "a"\n[[groups]]\nname = "a"', "groups", "the same name"),
    ('[[groups]]\nname = "a"\nmembers = ["a b"]', "groups", "no pattern"),
    ("[trunks]\nname = 1", "trunks", "write [[trunks]]"),
    ('[[trunks]]\nname = "a"', "trunks", "a: hosts names none"),
    ('[[trunks]]\nhosts = ["a.b"]', "trunks", "table 1: '' is no name"),
    ('[[trunks]]\nname = "a"\nhosts = ["a b"]', "trunks", "not HOST or HOST:PORT"),
    ('[[trunks]]\nname = "a"\nhosts = ["a.b:0"]', "trunks", "not HOST or HOST:PORT"),
    ('[[trunks]]\nname = "a"\nhosts = ["[::g]"]', "trunks", "not HOST or HOST:PORT"),
    ('[[trunks]]\nname = "a"\nhosts = ["b"]\nregister = true', "trunks", "register wants a username"),
    ('[[trunks]]\nname = "a"\nhosts = ["b"]\nprefixes = ["x"]', "trunks", "not the beginning of a number"),
    ('[[trunks]]\nname = "a"\nhosts = ["b"]\ncaller = "x"', "trunks", "not an address"),
    ('[[trunks]]\nname="a"\nhosts=["b"]\n[[trunks]]\nname="a"\nhosts=["c"]', "trunks", "the same name"),
    ('[[trunks]]\nhost = "a"', "trunks.host", "did you mean trunks.hosts?"),
    ('[[trunks]]\nname = "a"\nhosts = ["b"]\nprobe_s = "often"', "trunks[0].probe_s", "expected int"),
    ('[dialout]\nprefixes = [""]', "dialout.prefixes", "not the beginning of a number"),
    ('[dialout]\ndomains = ["a b"]', "dialout.domains", "neither a host"),
    ('[dialout]\ndomains = ["192.0.2.1/24"]', "dialout.domains", "host bits"),
    ('[dialout]\ncaller = "conference"', "dialout.caller", "not an address such as"),
    ('[sip]\ntrusted_networks = ["192.0.2.0/33"]', "sip.trusted_networks", "not a network"),
    ('[sip]\nlocal_networks = ["192.0.2.1/24"]', "sip.local_networks", "did you mean 192.0.2.0/24?"),
    ("[rtp]\nport_min = 20001", "rtp.port_min", "odd"),
    ("[rtp]\nport_max = 29998", "rtp.port_max", "even"),
    ("[rtp]\nport_min = 40000", "rtp.port_max", "not above"),
    ("[rtp]\nport_min = 20000\nport_max = 20003\n[media]\nworkers = 3", "rtp.port_max", "fewer port pairs"),
    ("[rtp]\nport_min = 5000", "rtp.port_max", "holds sip.port"),
    ("[rtp]\nsilence_s = 1", "rtp.silence_s", ">= 5"),
    ("[rtp]\nsilence_s = nan", "rtp.silence_s", "expected float"),
    ("[media]\nworkers = -1", "media.workers", ">= 0"),
    ('[media]\npacket_io = "fast"', "media.packet_io", "'fast'"),
    ('[media]\ncodecs = ["G729"]', "media.codecs[0]", "'G729'"),
    ("[media]\ncodecs = []", "media.codecs", "at least one"),
    ('[media]\ncodecs = ["opus", "PCMU", "opus"]', "media.codecs", "once"),
    ("[media]\nrate_hz = 44100", "media.rate_hz", "44100"),
    ("[media]\nmax_rate_hz = 0", "media.max_rate_hz", "0"),
    ("[media]\nptime_ms = 25", "media.ptime_ms", "25"),
    ('[media]\nguard = "bark"', "media.guard", "'bark'"),
    ("[media]\nguard = true", "media.guard", "expected str"),
    ("[media]\nopus_bitrate = 20000", "media.opus_bitrate", "20000"),
    ("[media]\nopus_complexity = 11", "media.opus_complexity", "<= 10"),
    ("[media]\nmost_delay_ms = 20", "media.most_delay_ms", ">= 40"),
    ("[media]\nlevelling = 1", "media.levelling", "expected bool"),
    ("[rooms]\nmax_participants = 0", "rooms.max_participants", ">= 1"),
    ('[http]\naddress = "0.0.0.0:8070"', "http.address", "not a loopback address"),
    ('[http]\naddress = "127.0.0.1"', "http.address", "not an IP address and port"),
    ('[http]\naddress = "127.0.0.1:70000"', "http.address", "not an IP address and port"),
    ('[http]\naddress = "999.0.0.1:80"', "http.address", "not"),
    ('[http]\naddress = "unix:run/x"', "http.address", "neither absolute"),
    (f'[http]\naddress = "unix:/{"x" * 120}"', "http.address", "too long"),
    ('[state]\ndirectory = "state"', "state.directory", "neither absolute"),
    ('[state]\ndirectory = "~nobody-of-that-name/x"', "state.directory", "home"),
    ('[log]\nlevel = "loud"', "log.level", "'loud'"),
    ('[log]\nfile = "x.log"', "log.file", "neither absolute"),
]


@pytest.mark.parametrize(("text", "name", "words"), BAD, ids=[text for text, _, _ in BAD])
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, name: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: {name}: "), line
    assert words in line
    assert "\n" not in line


def test_a_denoiser_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "[media]\ndenoise = true")
    monkeypatch.setattr(checks, "DENOISER", "no_such_package")
    with pytest.raises(ConfigError, match=r"media.denoise: wants the extra denoise.*confserver\[denoise\]"):
        load(path)
    monkeypatch.setattr(checks, "DENOISER", "json")
    assert load(path).media.denoise


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "none.toml", "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (written(tmp_path, "[sip\n"), "is not TOML: "),
    ):
        with pytest.raises(ConfigError, match=words):
            load(path)
    (tmp_path / "latin.toml").write_bytes(b"# \xfc\n")
    with pytest.raises(ConfigError, match="is not UTF-8 at byte 2"):
        load(tmp_path / "latin.toml")


def test_what_is_wrong_stays_one_line_whatever_the_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, '[sip]\n"a\\nb\\u001b" = 1'))
    assert str(caught.value).isprintable()


# ------------------------------------------------------------------ the tree in words
def test_every_setting_says_what_it_means() -> None:
    table = settings_table()
    assert len(table) >= 20
    for setting in table:
        assert len(setting.meaning) > 15 and setting.meaning.endswith("."), setting.name
        assert setting.type


def test_the_listing_is_toml_that_gives_the_same_settings(tmp_path: Path) -> None:
    plain = as_toml(Settings())
    assert all(line == "" or line[0] in "#[" for line in plain.splitlines()), "a default is not commented out"
    assert load(written(tmp_path, plain)) == Settings()
    names = {setting.name.rpartition(".")[2] for setting in settings_table()}
    switched_on = "\n".join(
        line.removeprefix("# ") if line.startswith("# [[") or line.removeprefix("# ").split(" = ")[0] in names else line
        for line in plain.splitlines()
    )
    listed = tomllib.loads(switched_on)
    sections = {name: table for name, table in listed.items() if isinstance(table, dict)}
    assert msgspec.convert(sections, Settings) == Settings()
    tables = [(name, row) for name, table in listed.items() for row in ([table] if name in sections else table)]
    assert {f"{name}.{key}" for name, row in tables for key in row} == {row.name for row in settings_table()}


def test_the_listing_shows_what_is_in_force(tmp_path: Path) -> None:
    changed = load(written(tmp_path, '[sip]\nport = 5080\ntransports = ["udp"]\n[rooms]\non_demand = false'))
    text = as_toml(changed)
    assert "\nport = 5080\n" in text and '\ntransports = ["udp"]\n' in text and "\non_demand = false\n" in text
    assert load(written(tmp_path, text)) == changed


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_texts_survive_toml(text: str) -> None:
    assert tomllib.loads(f"x = {toml_value(text)}") == {"x": text}


def test_limits_agree_with_those_of_rooms(tmp_path: Path) -> None:
    """config imports none of ours, so that the number stands twice."""
    assert load(written(tmp_path, f"[rooms]\nmax_participants = {MOST_PARTICIPANTS}"))
    with pytest.raises(ConfigError):
        load(written(tmp_path, f"[rooms]\nmax_participants = {MOST_PARTICIPANTS + 1}"))


def test_private_networks_are_networks() -> None:
    assert all(ipaddress.ip_network(text).is_private or text == "100.64.0.0/10" for text in PRIVATE_NETWORKS)


def test_any_number_of_trunks(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[[trunks]]\nname = "a"\nhosts = ["sip.a.example", "[2001:db8::5]:5070"]\n'
        '[[trunks]]\nname = "b"\nhosts = ["192.0.2.5"]'
    )
    settings = load(path)
    assert [trunk.name for trunk in settings.trunks] == ["a", "b"]
    assert trunk_host(settings.trunks[0].hosts[1]) == ("2001:db8::5", 5070)
    path.write_text(as_toml(settings))
    assert load(path) == settings, "what is printed can be read"
    assert load(None).trunks == () and "# [[trunks]]" in as_toml(load(None))
