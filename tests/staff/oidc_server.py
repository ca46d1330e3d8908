"""A real OpenID provider on a socket, out of Authlib's server parts: PKCE is demanded, the nonce comes back, auth_time is told.

Started as a program of its own: `python -m tests.staff.oidc_server PORT`. POST /_person says who sits at the browser.
"""

import sys
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar
from wsgiref.simple_server import WSGIRequestHandler, make_server

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from flask import Flask, Response, jsonify, request
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "gatepass", "secret-of-the-client-0123456789"


@dataclass
class Person:
    """Who signs in, and what is said of them."""

    sub: str = "1"
    claims: dict[str, Any] = field(default_factory=dict)
    auth_time: int = 0
    """0: at this moment."""
    wrong: dict[str, Any] = field(default_factory=dict)
    """Claims that are not as they should be."""

    def get_user_id(self) -> str:
        return self.sub


class Client:
    """The only one."""

    client_id = CLIENT_ID
    redirect_uri = ""

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"

    def get_allowed_scope(self, scope: str) -> str:
        return scope


@dataclass
class Code:
    """An authorization code that was given away."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    user: Person
    auth_time: int

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None

    def is_expired(self) -> bool:
        return False


@dataclass
class World:
    """What the provider knows."""

    person: Person = field(default_factory=Person)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    codes: dict[str, Code] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)


CLIENT, WORLD = Client(), World()


class CodeGrant(grants.AuthorizationCodeGrant):
    """Keeps codes in memory, and takes each once."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        payload = request.payload
        WORLD.codes[code] = Code(
            code, payload.redirect_uri, payload.scope, payload.data.get("nonce", ""), payload.data["code_challenge"],
            payload.data["code_challenge_method"], request.user, request.user.auth_time or int(time.time()),
        )  # fmt: skip

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return WORLD.codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        WORLD.codes.pop(authorization_code.code)

    def authenticate_user(self, authorization_code: Code) -> Person:
        return authorization_code.user


class IdToken(OpenIDCode):
    """What the token says."""

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False

    def get_client_algorithm(self, client: Client) -> str:
        return "RS256"

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": issuer()}

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        return WORLD.key

    def get_encode_header(self, client: Client) -> dict[str, Any]:
        return {"alg": "RS256", "kid": WORLD.key.kid}

    def generate_user_info(self, user: Person, scope: str) -> dict[str, Any]:
        return {"sub": user.sub, **user.claims, **user.wrong}


def issuer() -> str:
    """This server's name for itself."""
    return request.host_url.rstrip("/")


def make() -> Flask:
    """The provider as a web application."""
    app = Flask(__name__)
    server = AuthorizationServer(app, query_client=lambda _: CLIENT, save_token=lambda _token, _request: None)
    server.register_grant(CodeGrant, [CodeChallenge(required=True), IdToken(require_nonce=True)])

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        at = issuer()
        endpoints = {
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/keys",
        }
        return jsonify(endpoints | {"issuer": at})

    @app.get("/keys")
    def keys() -> Response:
        return jsonify(KeySet([WORLD.key]).as_dict(private=False))

    @app.get("/authorize")
    def authorize() -> Any:
        WORLD.asked.append(request.args.to_dict())
        CLIENT.redirect_uri = request.args["redirect_uri"]
        grant = server.get_consent_grant(end_user=WORLD.person)
        return server.create_authorization_response(grant=grant, grant_user=WORLD.person)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post("/_person")
    def person() -> Response:
        WORLD.person = Person(**request.get_json())
        return jsonify({})

    @app.post("/_new_key")
    def new_key() -> Response:
        WORLD.key = RSAKey.generate_key(2048, {"kid": f"key{time.time()}"})
        return jsonify({})

    @app.get("/_asked")
    def asked() -> Response:
        return jsonify(WORLD.asked)

    return app


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


if __name__ == "__main__":
    with make_server("127.0.0.1", int(sys.argv[1]), make(), handler_class=Quiet) as serving:
        print(f"http://127.0.0.1:{serving.server_port}", flush=True)
        serving.serve_forever()
