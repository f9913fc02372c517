"""Answering a registry's challenge: Basic, or Bearer with a token for exactly what is about to be done.

Protocols: RFC 7617; distribution's ``spec/auth/token`` (GET with Basic) and ``spec/auth/oauth2`` (POST with a refresh
token). A token is fetched once for a repository and a set of actions and kept in memory;
a refused one is never sent again.
"""

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode, urljoin

from compatbuild.errors import AuthenticationError
from compatbuild.registry.challenge import Challenge, Scope, parse_challenges
from compatbuild.registry.credentials import Credential
from compatbuild.registry.descriptor import parse_json
from compatbuild.registry.trust import Origin, check_elsewhere, check_realm, origin_of

MAX_TOKEN_ANSWER = 1 << 20
"""Bytes of a token service's answer."""
TOKEN_SECONDS = 60
"""How long a token lives when its service does not say (``spec/auth/token``, ``expires_in``)."""
EARLY = 10
"""Seconds before its end at which a token is no longer used."""
CLIENT_ID = "compatbuild"
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Answer(Protocol):
    """What is looked at of a token service's answer."""

    status_code: int

    @property
    def content(self) -> bytes:
        """The body."""


Fetch = Callable[[str, str, str, bytes | None], Answer]
"""``fetch(method, url, authorization, form)``: one request to a token service, redirects not followed."""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    scope: Scope
    ends: float

    def serves(self, scope: Scope) -> bool:
        covers = self.scope.repository == scope.repository and self.scope.actions >= scope.actions
        return covers and time.monotonic() < self.ends


class Authenticator:
    """The credentials and tokens of one registry host, called ``name`` in messages; safe to share between threads."""

    def __init__(
        self,
        name: str,
        registry: Origin,
        credential: Callable[[str], Credential],
        fetch: Fetch,
        trusted: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._name = name
        self._registry = registry
        self._credential = credential
        self._fetch = fetch
        self._trusted = trusted
        self._tokens: list[_Token] = []
        self._basic = ""
        self._lock = threading.Lock()

    def known(self, scope: Scope) -> str:
        """Return the ``Authorization`` to send without being asked, empty when there is none yet."""
        with self._lock:
            for token in self._tokens:
                if token.serves(scope):
                    return f"Bearer {token.value}"
            return self._basic

    def respond(self, header: str, scope: Scope, refused: str) -> str:
        """Return the ``Authorization`` that answers a 401; ``refused`` is what was sent with the request before.

        AuthenticationError when there is nothing (else) to send, or the token service refuses;
        RegistryError when the token service is one that must not see credentials.
        """
        credential = self._credential(scope.repository)
        challenges = {challenge.scheme: challenge for challenge in reversed(parse_challenges(header))}
        if credential.registry_token and "bearer" in challenges:
            return self._new(f"Bearer {credential.registry_token}", refused, credential, scope)
        if "bearer" in challenges:
            token = self._fetch_token(challenges["bearer"], scope, credential)
            with self._lock:
                now = time.monotonic()
                self._tokens = [kept for kept in self._tokens if now < kept.ends and not kept.serves(scope)] + [token]
            return f"Bearer {token.value}"
        if "basic" in challenges and credential.basic:
            basic = self._new(credential.basic, refused, credential, scope)
            with self._lock:
                self._basic = basic
            return basic
        raise self.refusal(scope, credential)

    def refusal(self, scope: Scope, credential: Credential | None = None) -> AuthenticationError:
        """Return the error for a request the registry will not take from us."""
        credential = credential or self._credential(scope.repository)
        host = self._name
        action = f"{' and '.join(sorted(scope.actions))} {scope.repository}".strip()
        if credential.anonymous:
            return AuthenticationError(
                f"{host} wants credentials to {action}",
                why=credential.source,
                remedy=f"log in first: docker login {host}",
            )
        return AuthenticationError(
            f"{host} does not let us {action}",
            why=f"it refused the credentials from {credential.source}",
            remedy=f"check the account's rights there, or log in again: docker login {host}",
        )

    def _new(self, authorization: str, refused: str, credential: Credential, scope: Scope) -> str:
        if authorization == refused:
            raise self.refusal(scope, credential)
        return authorization

    def _fetch_token(self, challenge: Challenge, scope: Scope, credential: Credential) -> _Token:
        url = urljoin(f"{self._registry.scheme}://{self._registry.netloc}/", challenge.parameters.get("realm", ""))
        realm = origin_of(url)
        if credential.anonymous:
            check_elsewhere(self._registry, realm, "for a token")
        else:
            check_realm(self._registry, realm, self._trusted)
        query = [("service", service)] if (service := challenge.parameters.get("service")) else []
        scopes = scope.merged(challenge.parameters.get("scope", ""))
        if credential.identity_token:
            form = [*query, ("grant_type", "refresh_token"), ("client_id", CLIENT_ID), ("scope", " ".join(scopes))]
            body = urlencode([*form, ("refresh_token", credential.identity_token)]).encode()
            answer = self._fetch("POST", url, "", body)
        else:
            query += [("scope", wanted) for wanted in scopes]
            joint = "&" if "?" in url else "?"
            answer = self._fetch("GET", url + joint + urlencode(query), credential.basic, None)
        return self._read_token(answer, realm, scope, credential)

    def _read_token(self, answer: Answer, realm: Origin, scope: Scope, credential: Credential) -> _Token:
        if answer.status_code in {400, 401, 403}:
            raise self.refusal(scope, credential)
        document = parse_json(answer.content, MAX_TOKEN_ANSWER, "the token") if answer.status_code == 200 else {}
        value = document.get("token") or document.get("access_token")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise AuthenticationError(
                f"{realm.host} gave no token for {self._name}",
                why=f"it answered {answer.status_code} without one",
                remedy="try again later; if it stays so, ask whoever runs the registry",
            )
        seconds = document.get("expires_in")
        lifetime = seconds if isinstance(seconds, int) and 0 < seconds < 86_400 else TOKEN_SECONDS
        return _Token(value, scope, time.monotonic() + max(lifetime - EARLY, 1))
