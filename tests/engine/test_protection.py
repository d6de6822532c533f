"""SRTP legs in virtual time, against pylibsrtp's own sessions as the phones' side."""

import itertools

import pytest
from pylibsrtp import Policy, Session

from confserver.contract import CloseLeg, LegFailed, LegLatched, LegOpened, OpenLeg, Resume, SetLeg, SrtpKey
from confserver.engine.protection import MOST_GUESSES, MOST_SSRCS
from confserver.rtp import rtcp
from confserver.rtp.srtp import PROFILES
from tests.engine.hall import Hall, Phone, level_db, plan_for, rtp, silence, tone

CM80, CM32, GCM128, GCM256 = PROFILES
QUIET_DB = -60


def key_of(suite, start):
    return SrtpKey(suite, bytes((start + place) & 0xFF for place in range(PROFILES[suite][1])))


def session(key, outgoing):
    kind = Policy.SSRC_ANY_OUTBOUND if outgoing else Policy.SSRC_ANY_INBOUND
    return Session(Policy(key.key, kind, 0, PROFILES[key.suite][0]))


def rekey(phone, theirs, ours):
    """The phone's side of new keys: fresh contexts, all counters at 0."""
    phone.seal, phone.unseal = session(theirs, True).protect, session(ours, False).unprotect


def keys(suite=CM80, start=0):
    theirs, ours = key_of(suite, start), key_of(suite, start + 100)
    return {"incoming_key": theirs, "outgoing_key": ours}


def add_protected(hall, says, suite=CM80, start=0, changes=None, **more):
    pair = keys(suite, start)
    phone = hall.add(says, changes={**pair, **(changes or {})}, **more)
    rekey(phone, *pair.values())
    return phone


def hears(phone, hz, since=-0.3):
    return level_db(phone.sound()[int(since * 8000) :], hz)


# ------------------------------------------------------------------ the usual call
@pytest.mark.parametrize("suite", PROFILES)
def test_a_protected_and_a_plain_leg_hear_each_other(suite):
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 2), suite), hall.add(tone(800, 2))
    hall.run(1.5)
    assert abs(hears(sealed, 800) + 14) < 0.5
    assert abs(hears(plain, 500) + 14) < 0.5
    assert hall.report(sealed).discarded == 0


def test_what_goes_out_is_sealed():
    hall = Hall()
    sealed = add_protected(hall, tone(500, 2))
    hall.add(tone(800, 2))
    seen = []
    unseal, sealed.unseal = sealed.unseal, lambda data: seen.append(data) or unseal(data)
    hall.run(0.5)
    assert {len(data) for data in seen} == {172 + 10}
    opened = b"".join(sealed.heard)
    assert all(data[12:172] not in opened for data in seen[10:])


def test_keys_for_one_way_only_or_of_the_wrong_length_are_unfit():
    hall = Hall()
    phone = hall.add(silence(1))
    for number, bad in enumerate((
        {"incoming_key": key_of(CM80, 0)},
        {"outgoing_key": key_of(CM80, 0)},
        {"incoming_key": key_of(CM80, 0), "outgoing_key": SrtpKey(CM80, b"short")},
        {"incoming_key": SrtpKey("NONE", b"x" * 30), "outgoing_key": key_of(CM80, 0)},
    )):  # fmt: skip
        hall.engine.open_leg(OpenLeg(leg=50 + number, room=1, plan=plan_for(phone, **bad)), 2, 30002, hall.now)
        hall.tick()
        assert len(hall.told(LegFailed)) == number + 1


# ------------------------------------------------------------------ what is never heard
@pytest.mark.parametrize("suite", PROFILES)
def test_an_altered_packet_is_never_heard(suite):
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 3), suite), hall.add(silence(3))
    hall.run(0.5)
    seal = sealed.seal

    def altered(data):
        out = bytearray(seal(data))
        out[sealed.number % len(out)] ^= 0x10  # another place each time, header and tag as well
        return bytes(out)

    sealed.seal = altered
    before = hall.report(sealed)
    hall.run(1.0)
    assert hears(plain, 500) < QUIET_DB
    after = hall.report(sealed)
    assert after.received == before.received
    assert after.discarded - before.discarded >= 45
    sealed.seal = seal
    hall.run(0.5)
    assert hears(plain, 500) > -15


def test_a_plain_packet_to_a_protected_leg_is_never_heard():
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 3)), hall.add(silence(3))
    sealed.seal = bytes
    hall.run(1.0)
    assert hears(plain, 500) < QUIET_DB
    assert hall.report(sealed).received == 0
    assert hall.engine.describe()["refused"] >= 45


def test_a_replayed_packet_is_never_taken():
    hall = Hall()
    sealed = add_protected(hall, tone(500, 3))
    sent = []
    seal = sealed.seal
    sealed.seal = lambda data: sent.append(seal(data)) or sent[-1]
    hall.run(1.0)
    before = hall.report(sealed)
    for data in sent:
        hall.say(sealed, data)
        hall.send(sealed.local, ("127.0.0.9", 7000), data)
    sealed.pauses = True
    hall.run(0.5)
    after = hall.report(sealed)
    assert after.received == before.received
    assert after.discarded == before.discarded + len(sent)
    assert [event.remote for event in hall.told(LegLatched)] == [sealed.address]


def test_a_stranger_is_never_heard_nor_latched():
    hall = Hall()
    sealed, plain = add_protected(hall, silence(3), changes={"symmetric": True}), hall.add(silence(3))
    hall.run(0.3)
    wrong = session(key_of(CM80, 77), True)
    sound = b"\x10\x90" * 80
    for number in range(40):
        plain_packet = rtp(0, sealed.sequence + number, sealed.timestamp + 160 * number, sealed.ssrc, sound)
        hall.send(sealed.local, ("127.0.0.9", 7000), plain_packet)
        hall.send(sealed.local, ("127.0.0.9", 7002), wrong.protect(plain_packet))
        hall.tick()
    assert {event.remote for event in hall.told(LegLatched) if event.leg == sealed.leg} == {sealed.address}
    assert max(abs(plain.sound(0.4)), default=0) < 0.01


def test_a_protected_leg_without_a_known_source_is_not_latched_by_plain_packets():
    hall = Hall()
    sealed = add_protected(hall, silence(3), changes={"remote": None, "symmetric": True})
    for number in range(10):
        hall.send(sealed.local, ("127.0.0.9", 7000), rtp(0, number, number * 160, 5, b"\xff" * 160))
    sealed.pauses = True
    hall.run(0.5)
    assert not hall.told(LegLatched)
    sealed.pauses = False
    hall.run(0.5)
    assert [event.remote for event in hall.told(LegLatched)] == [sealed.address]


# ------------------------------------------------------------------ what moves and changes
def test_a_packet_that_passes_moves_the_leg_at_once():
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 4)), hall.add(tone(800, 4))
    hall.run(0.5)
    sealed.address = ("127.0.0.3", 41234)
    hall.tick()
    hall.tick()
    assert hall.told(LegLatched)[-1].remote == sealed.address
    hall.run(0.5)
    assert hears(plain, 500) > -15
    assert hears(sealed, 800) > -15


def test_another_ssrc_under_the_same_key_is_followed_and_their_number_is_bounded():
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 9)), hall.add(silence(9))
    hall.run(0.3)
    sealed.ssrc += 1
    hall.run(0.7)
    assert hears(plain, 500) > -15
    for number in range(2 * MOST_SSRCS):
        hall.say(sealed, session(keys()["incoming_key"], True).protect(rtp(0, 1, 1, 90_000 + number, b"\xff" * 160)))
    before = hall.engine.describe()["refused"]
    hall.run(0.2)
    assert hall.engine.describe()["refused"] - before >= MOST_SSRCS


def test_the_rollover_counter_goes_on_over_a_wrap():
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 20)), hall.add(tone(800, 20))
    sealed.sequence = 65_500
    hall.engine.seats.out_sequence[hall.engine.legs.by_id[sealed.leg].row] = 65_480
    hall.run(4.0)
    assert hears(plain, 500) > -15
    assert hears(sealed, 800) > -15
    assert hall.report(sealed).discarded == 0
    assert sealed.sequence > 65_600


def test_three_rounds_of_sequence_numbers():
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 30)), hall.add(silence(30))
    pack = sealed.packet

    def gappy():
        sealed.sequence += 999
        return pack()

    sealed.packet = gappy
    hall.run(4.5)
    row = hall.engine.legs.by_id[sealed.leg].row
    assert hall.engine.seats.cycles[row] == 3 * 65_536
    assert hears(plain, 500) > -15
    assert hall.engine.describe()["refused"] == 0


def test_the_same_keys_again_keep_all_counters():
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 20)), hall.add(tone(800, 20))
    sealed.sequence = 65_500
    hall.run(2.0)
    hall.set(sealed, **keys(), ptime_ms=30)
    hall.run(1.0)
    assert hears(plain, 500) > -15 and hears(sealed, 800) > -15
    assert hall.engine.describe()["refused"] == 0


@pytest.mark.parametrize("goes_on", [False, True], ids=["the peer's counter starts at 0", "the peer's counter goes on"])
def test_new_keys_after_a_wrap(goes_on):
    hall = Hall()
    sealed, plain = add_protected(hall, tone(500, 20)), hall.add(tone(800, 20))
    sealed.sequence = 65_500
    row = hall.engine.legs.by_id[sealed.leg].row
    hall.run(2.0)
    assert hall.engine.seats.cycles[row] == 65_536
    new = keys(GCM256, 31)
    hall.set(sealed, **new)
    sealed.unseal = session(new["outgoing_key"], False).unprotect
    hall.run(0.3)  # what it sends before our answer is there comes under the old key
    assert hears(plain, 500, -0.2) > -15
    theirs = session(new["incoming_key"], True)
    if goes_on:
        for sequence in range(0x2000, 0x10000, 0x4000):
            theirs.protect(rtp(0, sequence, 0, sealed.ssrc, b""))
    sealed.seal = theirs.protect
    old = session(keys()["incoming_key"], True)
    hall.run(0.5)
    assert hears(plain, 500) > -15 and hears(sealed, 800) > -15
    assert hall.engine.describe()["refused"] == 0
    hall.say(sealed, old.protect(rtp(0, sealed.sequence + 5, 0, sealed.ssrc, b"\xff" * 160)))
    hall.tick()
    assert hall.engine.describe()["refused"] == 1, "the old key is over with the first packet of the new one"


def test_our_counter_goes_on_under_a_new_key():
    hall = Hall()
    sealed = hall.add(silence(20))
    hall.add(tone(800, 20))
    row = hall.engine.legs.by_id[sealed.leg].row
    hall.engine.seats.out_sequence[row] = 65_530
    hall.set(sealed, **keys(CM80, 3))
    rekey(sealed, *keys(CM80, 3).values())
    hall.run(1.0)
    assert hears(sealed, 800) > -15
    new = keys(CM80, 60)
    hall.set(sealed, **new)
    receiver = session(new["outgoing_key"], True)
    for sequence in range(0x2000, 0x10000, 0x4000):  # the phone's counter at 1
        receiver.protect(rtp(0, sequence, 0, int(hall.engine.seats.out_ssrc[row]), b""))
    sealed.unseal = receiver.unprotect
    hall.run(0.5)
    assert hears(sealed, 800) > -15


def test_a_leg_goes_from_plain_to_protected_and_back():
    hall = Hall()
    phone, other = hall.add(tone(500, 9)), hall.add(tone(800, 9))
    hall.run(0.5)
    hall.set(phone, **keys())
    rekey(phone, *keys().values())
    hall.run(0.5)
    assert hears(other, 500) > -15 and hears(phone, 800) > -15
    hall.set(phone)
    phone.seal = phone.unseal = bytes
    hall.run(0.5)
    assert hears(other, 500) > -15 and hears(phone, 800) > -15
    assert hall.engine.protection.legs == 0


# ------------------------------------------------------------------ RTCP
def report_to(phone, leg_ssrc, seal):
    block = rtcp.ReportBlock(ssrc=leg_ssrc, lsr=0, dlsr=0)
    return seal(rtcp.compound(rtcp.SenderReport(ssrc=phone.ssrc, ntp=1 << 40, rtp_timestamp=0, packets=1, octets=1,
                                                blocks=(block,)), "phone@test"))  # fmt: skip


@pytest.mark.parametrize("suite", PROFILES)
def test_reports_are_sealed_both_ways(suite):
    hall = Hall()
    sealed = add_protected(hall, silence(9), suite)
    hall.run(6.0)
    sent = [data for _, address, data in hall.control if address == (sealed.address[0], sealed.address[1] + 1)]
    assert sent
    with pytest.raises(rtcp.BadRtcp):
        rtcp.parse(sent[0])
    opened = rtcp.parse(session(keys(suite)["outgoing_key"], False).unprotect_rtcp(sent[0]))
    assert opened[0].ssrc == hall.report(sealed).ssrc
    row = hall.engine.legs.by_id[sealed.leg].row
    exchange = hall.engine.reports._exchanges[row]
    plain = report_to(sealed, hall.report(sealed).ssrc, bytes)
    rtcp_from = sealed.address[0], sealed.address[1] + 1
    hall.send(sealed.local | 1, rtcp_from, plain)
    hall.send(sealed.local | 1, rtcp_from, report_to(sealed, 1, session(key_of(suite, 9), True).protect_rtcp))
    hall.tick()
    assert exchange.lsr == 0, "neither plain RTCP nor that of another key counts"
    hall.send(sealed.local | 1, rtcp_from, session(keys(suite)["incoming_key"], True).protect_rtcp(plain))
    hall.tick()
    assert exchange.lsr == rtcp.middle(1 << 40)


def test_the_goodbye_is_sealed():
    hall = Hall()
    sealed = add_protected(hall, silence(2))
    hall.run(0.2)
    hall.remove(sealed)
    hall.tick()
    data = hall.control[-1][2]
    opened = rtcp.parse(session(keys()["outgoing_key"], False).unprotect_rtcp(data))
    assert isinstance(opened[-1], rtcp.Bye)


# ------------------------------------------------------------------ memory
@pytest.mark.slow
def test_a_thousand_protected_legs_come_and_go():
    def resident_kb():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4

    hall = Hall()
    numbers = itertools.count(1000)

    def come_and_go(times):
        for number in itertools.islice(numbers, times):
            phone = hall.phones[0]
            plan = plan_for(phone, remote=("127.0.0.7", 30_000 + number % 9000), **keys())
            hall.engine.open_leg(OpenLeg(leg=number, room=1, plan=plan), 4, 30004, hall.now)
            hall.tick()
            hall.engine.set_leg(SetLeg(leg=number, plan=plan_for(phone, remote=plan.remote, **keys(GCM128, 9))), 0.0)
            hall.engine.close_leg(CloseLeg(leg=number), hall.now)
            hall.tick()
            hall.events.clear()
            hall.control.clear()

    hall.add(silence(1))
    come_and_go(200)
    before = resident_kb()
    come_and_go(1000)
    assert hall.engine.protection.legs == 0
    assert all(handle is None for handle in hall.engine.protection._settled)
    assert resident_kb() - before < 2048, "a context takes some 5 kB: 3,000 of them would show"


# ------------------------------------------------------------------ going on at another worker
def sealed_at(index, key, ssrc=4242):
    """A phone's packet of that index, and the session that goes on from there."""
    sealing = session(key, True)
    for passed in range(0x2000, index, 0x4000):
        sealing.protect(rtp(0, passed, 0, ssrc, b""))
    return sealing.protect(rtp(0, index, 160 * index, ssrc, bytes(160))), sealing


def resumed(passed):
    """An engine that has taken over a protected leg after so many packets of its phone, and its first answer."""
    hall, pair = Hall(), keys()
    phone = Phone(1, ("127.0.0.1", 40002), silence(1), ssrc=4242)
    plan = plan_for(phone, **pair)
    resume = Resume(
        port=30000, ssrc=77, sequence=500, timestamp=8000, at=hall.now, latched=phone.address, received=passed
    )
    hall.engine.open_leg(OpenLeg(leg=1, room=1, plan=plan, resume=resume), 0, 30000, hall.now)
    hall.phones.append(phone)
    hall.hear_all()
    phone.unseal, phone.next_at = session(pair["outgoing_key"], False).unprotect, hall.now + 1e9
    hall.tick()
    return hall, phone, pair["incoming_key"]


@pytest.mark.parametrize(
    ("first", "passed"),
    [(30, 900), (65000, 900), (65000, 65536 * 2 + 40), (10, 65536 * 2 - 40), (40000, 65536 * 9 + 70)],
)
def test_a_leg_that_goes_on_finds_the_phone_s_rollover_counter(first, passed):
    """first: sequence number at the call's beginning; the last report is some packets old."""
    hall, phone, key = resumed(passed)
    index = first + passed + 200
    data, sealing = sealed_at(index, key)
    hall.say(phone, data)
    hall.tick()
    for more in range(1, 4):
        hall.say(phone, sealing.protect(rtp(0, index + more, 160 * (index + more), 4242, bytes(160))))
        hall.tick()
    report = hall.report(phone)
    assert (report.received - passed, report.discarded) == (4, 0)


def test_it_has_another_ssrc_so_that_our_counter_begins_at_nothing_for_both():
    hall, phone, _ = resumed(900)
    hall.run(0.1)
    (opened,) = hall.told(LegOpened)
    assert opened.ssrc != 77 and opened.sequence < 0x8000
    assert {head[8:12] for head in phone.headers} == {opened.ssrc.to_bytes(4, "big")}, "a fresh session opens them"
    assert hall.report(phone).ssrc == opened.ssrc


def test_guessing_ends_after_some_packets_of_nobody():
    hall, phone, key = resumed(65536 * 5)
    for number in range(MOST_GUESSES):
        hall.say(phone, rtp(0, number, 0, 4242, bytes(170)))
        hall.tick()
    data, _ = sealed_at(65536 * 5 + 300, key)
    hall.say(phone, data)
    hall.tick()
    assert hall.report(phone).discarded == MOST_GUESSES + 1
