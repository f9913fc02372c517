from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compatbuild.registry.challenge import Challenge, Scope, parse_challenges

PULL = Scope("team/app", frozenset({"pull"}))
PUSH = Scope("team/app", frozenset({"pull", "push"}))


def test_bearer() -> None:
    header = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
    parameters = {
        "realm": "https://auth.docker.io/token",
        "service": "registry.docker.io",
        "scope": "repository:a/b:pull,push",
    }
    assert parse_challenges(header) == (Challenge("bearer", parameters),)


def test_two_schemes_in_one_header() -> None:
    found = parse_challenges('Basic realm="Registry \\"Realm\\"", BEARER Realm=x , service=y')
    assert found == (
        Challenge("basic", {"realm": 'Registry "Realm"'}),
        Challenge("bearer", {"realm": "x", "service": "y"}),
    )


def test_a_scheme_without_parameters_and_nonsense() -> None:
    assert parse_challenges("Negotiate") == (Challenge("negotiate", {}),)
    assert parse_challenges("") == ()
    assert parse_challenges('realm="x"') == ()
    assert parse_challenges("\x00\x01") == ()


def test_our_actions_join_those_of_the_challenge() -> None:
    assert PUSH.merged("repository:team/app:pull") == ("repository:team/app:pull,push",)
    assert PULL.merged("repository:team/app:delete,pull") == ("repository:team/app:delete,pull",)
    assert PULL.merged("") == ("repository:team/app:pull",)
    assert PULL.merged("aws") == ("aws", "repository:team/app:pull")
    assert Scope("", frozenset({"pull"})).merged("registry:catalog:*") == ("registry:catalog:*",)


@given(st.text(alphabet='Basicrealm ="\\,\t', max_size=60))
def test_any_header_is_read_in_time(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme
