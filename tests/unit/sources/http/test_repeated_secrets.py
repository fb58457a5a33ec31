"""A source that repeats its login in its records does not get it into the lake."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.redaction.spellings import usual_spellings
from include.ticklake.sources.http.repeated_secrets import without_secrets

SECRET = 's3cr3t/Canary+4"2=é'


def cleaned(text: str, secret: str = SECRET) -> str:
    [[record]] = without_secrets([[msgspec.Raw(text.encode())]], [secret])
    return bytes(record).decode()


@pytest.mark.parametrize("spelling", usual_spellings(SECRET))
def test_a_login_in_a_text_or_a_name_is_masked(spelling):
    """All else of the record is as it came, to the byte."""
    is_json = '\\"' in spelling
    spelled = spelling if is_json else json.dumps(spelling, ensure_ascii=False)[1:-1]
    record = '{"id":1, "p":0.10,"a":"key=%s;","%s":[ 1e2 ]}'
    assert cleaned(record % (spelled, spelled)) == record % ("***", "***")


def test_numbers_are_never_touched():
    """Not even where the login looks like one."""
    assert cleaned('{"id":12345678,"k":"12345678"}', "12345678") == '{"id":12345678,"k":"***"}'


def test_a_short_login_is_left_in_records():
    """It may well be data."""
    assert cleaned('{"s":"BTC-USD"}', "BTC-USD") == '{"s":"BTC-USD"}'
    assert cleaned('{"s":""}', "") == '{"s":""}'


def test_every_secret_of_a_login_is_masked():
    """A password, a passphrase and a token; those that are short are left."""
    record = msgspec.Raw(b'{"a":"p4ssw0rd1","b":"t0ken-of-it","c":"short","d":1}')
    [[found]] = without_secrets([[record]], ["p4ssw0rd1", "short", "t0ken-of-it"])
    assert bytes(found) == b'{"a":"***","b":"***","c":"short","d":1}'
    assert list(without_secrets([[record]], [])) == [[record]]


def test_a_text_stays_a_text_where_an_escape_runs_into_the_login():
    r"""``\nabcdefg1`` is a line and ``abcdefg1``, not ``\`` and the login ``nabcdefg1``."""
    assert cleaned(r'{"s":"x\nabcdefg1"}', "nabcdefg1") == '{"s":"***"}'


@given(
    record=st.dictionaries(st.text(), st.text() | st.integers() | st.none()),
    secret=st.text(min_size=8, max_size=20),
)
def test_a_record_stays_a_record_with_the_same_values(record, secret):
    """Whatever it and the login hold: only texts that repeat it change."""
    told = {**record, "echo": f"<{secret}>"}
    read = json.loads(cleaned(json.dumps(told), secret))
    assert secret not in read["echo"]
    assert [value for value in read.values() if not isinstance(value, str)] == [
        value for value in told.values() if not isinstance(value, str)
    ]
