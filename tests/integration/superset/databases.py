"""Add databases, and look at what Superset shows of them."""

from __future__ import annotations

import json

from tests.integration.superset.rest import message
from tests.integration.superset.scene import Scene

VIEWS = {"log_entries", "measures", "blocks", "processes", "streams"}
# What a wrong URL is told: a part of the message.
WRONG = {
    "micromegas+http://127.0.0.1:9": "CONNECTION_PORT_CLOSED_ERROR: no response from 127.0.0.1:9",
    "micromegas+grpc://127.0.0.1:9": "CONNECTION_PORT_CLOSED_ERROR: 127.0.0.1:9 cannot be reached",
    "micromegas+http://": "the URL has no host",
    "micromegas+http://127.0.0.1:9/?bogus=1": "bogus",
    "micromegas+http://:s3cret@example.invalid/": "allow_insecure_auth",
}


def check(scene: Scene) -> None:
    checks, session = scene.checks, scene.session
    checks.step("databases")
    offered = session("GET", "/api/v1/database/available/")["databases"]
    ours = [each for each in offered if each["engine"] == "micromegas"]
    checks.equal("the form offers Micromegas", [each["name"] for each in ours], ["Micromegas"])
    checks.contains("its URL", json.dumps(ours), "micromegas+grpcs://:TOKEN@HOST")
    for url, expected in WRONG.items():
        body = {"database_name": "wrong", "sqlalchemy_uri": url}
        answer = session("POST", "/api/v1/database/test_connection/", body)
        checks.true(f"{url} is refused", session.status >= 400, answer)
        checks.contains(f"{url}: message", message(answer), expected)
        checks.true("no secret in it", "s3cret" not in json.dumps(answer), answer)
        checks.true("nor a class", "NoneType" not in json.dumps(answer), answer)
    for name, url in scene.urls.items():
        _add(scene, name, url)
    for name in ("http", "grpc", "lake"):
        _look(scene, name)
    newest = [scene.execute("demo", "SELECT max(time) AS t FROM log_entries")[0] for _ in range(2)]
    checks.contains("demo", newest[0], "data")
    checks.equal("the demo is generated once", newest[0].get("data"), newest[1].get("data"))


def _add(scene: Scene, name: str, url: str) -> None:
    body = {"database_name": name, "sqlalchemy_uri": url}
    answer = scene.session("POST", "/api/v1/database/test_connection/", body)
    scene.checks.equal(f"{name}: test of the connection", answer, {"message": "OK"})
    answer = scene.session("POST", "/api/v1/database/", {**body, "expose_in_sqllab": True})
    scene.checks.equal(f"{name}: added", scene.session.status, 201)
    scene.databases[name] = answer["id"]


def _look(scene: Scene, name: str) -> None:
    checks, base = scene.checks, f"/api/v1/database/{scene.databases[name]}"
    schemas = scene.session("GET", f"{base}/schemas/?q=(force:!t)")
    checks.contains(f"{name}: schemas", schemas["result"], "public")
    tables = scene.session("GET", f"{base}/tables/?q=(schema_name:public,force:!t)")["result"]
    checks.contains(f"{name}: tables", {each["value"] for each in tables}, *VIEWS)
    for view in ("log_entries", "streams"):
        shown = scene.session("GET", f"{base}/table_metadata/?name={view}&schema=public")
        types = {each["name"]: each["type"] for each in shown["columns"]}
        checks.true(
            f"{name}: {view} has types",
            all(t not in ("", "?", "UNKNOWN", None) for t in types.values()),
            types,
        )
    functions = scene.session("GET", f"{base}/function_names/")["function_names"]
    checks.contains(f"{name}: functions", functions, "date_bin", "view_instance", "property_get")
