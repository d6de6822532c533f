"""Trunks kept alive and registered with, in virtual time."""

from __future__ import annotations

from confserver.focus import outputs as out
from confserver.focus.dialout import DialTerms
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from confserver.routing.trunks import Host, Trunk, TrunkTable
from confserver.sip.account import Account
from confserver.sip.ways import Hop
from rooms import events as tell
from rooms.commands import Dial
from tests.focus.house import House, every, the

HOSTS = ("192.0.2.50", "192.0.2.51")


def house(**more: object) -> tuple[House, Trunk]:
    how = {"username": "us", "registers": True, "register_s": 600, "probe_s": 60.0, "call_id": "c1", **more}
    hosts = tuple(Host(Hop("UDP", host, 5060)) for host in HOSTS)
    trunk = Trunk("carrier", hosts, "carrier.example", account=Account("us", "x", lambda: "t"), **how)  # type: ignore[arg-type]
    plan = DialPlan(Fence(["+49"]), TrunkTable([trunk]))
    return House(dialling=DialTerms(plan=plan, trunks=(trunk,))), trunk


def due(it: House, seconds: float = 0.0) -> tuple[list[out.Send], list[out.Send]]:
    """The REGISTERs and the OPTIONS of this time."""
    sent = every(out.Send, it.pass_time(seconds))
    return [each for each in sent if each.method == "REGISTER"], [each for each in sent if each.method == "OPTIONS"]


def test_at_the_start_everything_is_asked() -> None:
    it, trunk = house()
    none, options = due(it)
    assert none == [], "first it is seen which host lives"
    it.reply(options[0], 200)
    [register], _ = due(it)
    assert str(register.target.uri) == "sip:carrier.example" and register.target.hop == Hop("UDP", "192.0.2.50", 5060)
    assert str(register.from_) == str(register.to) == "<sip:us@carrier.example>" and register.user == "us"
    assert dict(register.headers)["Expires"] == "600" and register.series == ("c1", 8)
    assert register.target.account is trunk.account, "credentials where they are asked for"
    assert [each.target.host for each in options] == list(HOSTS)
    assert due(it, 50) == ([], []), "no second question before the first is answered"


def test_registration_goes_to_the_host_that_lives() -> None:
    it, _ = house()
    _, [_, second] = due(it)
    it.reply(second, 405)
    [register], _ = due(it)
    assert register.target.host == "192.0.2.51"


def test_without_any_word_it_is_tried_all_the_same() -> None:
    it, trunk = house()
    _, options = due(it)
    [register], _ = due(it, 6.5)
    assert register.target.host == "192.0.2.50" and [host.is_up for host in trunk.hosts] == [False, False]
    for each in options:
        it.reply(each, 408)
    assert len(due(it, 15)[1]) == 2


def test_it_is_said_again_before_it_ends() -> None:
    it, _ = house(probe_s=0)
    [register], _ = due(it)
    told = it.reply(register, 200, "Contact: <sip:us@192.0.2.1>;expires=400")
    assert the(out.Tell, told).facts == (("trunk", "carrier"), ("registration", "registered"))
    assert due(it, 299) == ([], [])
    [again], _ = due(it, 2)
    assert again.series == ("c1", 16)
    assert every(out.Tell, it.reply(again, 200, "Expires: 100")) == [], "no news"
    assert len(due(it, 76)[0]) == 1


def test_no_interval_is_taken_that_makes_no_sense() -> None:
    it, _ = house(probe_s=0)
    [register], _ = due(it)
    it.reply(register, 200, "Contact: <sip:us@192.0.2.1>;expires=99999999999")
    assert len(due(it, 451)[0]) == 1


def test_the_interval_that_is_wanted() -> None:
    it, _ = house(probe_s=0)
    [register], _ = due(it)
    it.reply(register, 423, "Min-Expires: 1200")
    [again], _ = due(it)
    assert dict(again.headers)["Expires"] == "1200"


def test_waits_double_and_hosts_change() -> None:
    it, trunk = house(probe_s=0)
    hosts = []
    waits = [30, 60, 120, 240, 480, 960, 1800, 1800]
    [register], _ = due(it)
    for wait in waits:
        hosts.append(register.target.host)
        it.reply(register, 503)
        assert due(it, wait - 1) == ([], [])
        [register], _ = due(it, 1.5)
    assert hosts == list(HOSTS) * 4 and trunk.state == "refused: 503 Because"
    it.reply(register, 200)
    assert trunk.state == "registered"


def test_a_wrong_password_is_not_tried_again_and_again() -> None:
    it, trunk = house(probe_s=0)
    [register], _ = due(it)
    told = the(out.Tell, it.reply(register, 401))
    assert told.is_trouble and trunk.state.startswith("refused: 401")
    assert due(it, 1700) == ([], []) and len(due(it, 101)[0]) == 1


def test_a_host_that_is_silent_is_down_until_it_answers() -> None:
    it, trunk = house(registers=False)
    _, [first, second] = due(it)
    assert every(out.Tell, it.reply(first, 404)) == [], "whoever refuses lives"
    assert the(out.Tell, it.reply(second, 408)).is_trouble
    assert [host.is_up for host in trunk.hosts] == [True, False]
    _, [again] = due(it, 15)
    assert again.target.host == "192.0.2.51", "soon again"
    assert not the(out.Tell, it.reply(again, 200)).is_trouble
    _, later = due(it, 46)
    assert [each.target.host for each in later] == ["192.0.2.50"]
    assert it.focus.describe()["trunks"] == [
        {"name": "carrier", "hosts": {"192.0.2.50:5060": "up", "192.0.2.51:5060": "up"}, "registration": ""}
    ]


def test_a_number_goes_by_the_host_that_lives() -> None:
    it, _ = house(registers=False)
    _, [first, second] = due(it)
    it.reply(first, 503)
    it.reply(second, 200)
    call = it.dial("+49301234", name="Bob")
    wish = it.invites[call]
    assert wish.target.hop == Hop("UDP", "192.0.2.51", 5060) and str(wish.from_) == "<sip:us@carrier.example>"
    assert str(wish.target.uri) == "sip:+49301234@carrier.example;user=phone"
    assert the(tell.ParticipantArrived, it.answers(call)).name == "Bob"


def test_one_way_after_the_other_until_none_is_left() -> None:
    it, _ = house(registers=False)
    it.order(Dial("standup", "+49301"))
    call = it.dial("+49302", name="Bob")
    told = it.unanswered(call, 503)
    assert the(out.Call, told).target.host == "192.0.2.51"
    assert the(tell.DialFailed, it.unanswered(next(reversed(it.invites)), 503))


def test_the_server_stops() -> None:
    """What is registered is taken back."""
    it, _ = house()
    _, options = due(it)
    it.reply(options[1], 200)
    [register], _ = due(it)
    it.reply(register, 200)
    [last] = every(out.Send, it.play(it.focus.close()))
    assert dict(last.headers)["Expires"] == "0"
    it.reply(last, 200)
    it.reply(options[0], 200)
    assert due(it, 5000) == ([], [])


def test_who_is_not_registered_has_nothing_to_take_back() -> None:
    it, _ = house()
    due(it)
    assert every(out.Send, it.play(it.focus.close())) == []
