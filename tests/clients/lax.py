"""Whether the server at the address in the first argument, on the fake REPL, takes numbers, truth values
and names in the shapes of Kimina exactly as the client's own models do, which are pydantic's.
"""

import json
import sys
import typing
from concurrent.futures import ThreadPoolExecutor

if sys.version_info < (3, 12):
    # The client uses the standard one, which pydantic refuses on older Pythons.
    import typing_extensions

    typing.TypedDict = typing_extensions.TypedDict

import httpx
from kimina_client.models import CheckRequest, VerifyRequestBody
from pydantic import ValidationError

url = sys.argv[1].rstrip("/")

# As they stand in JSON. Those that are taken are small, so that a source can run into them.
SECONDS = r"""
1 1.0 1e0 0 0.0 -0.0 true false "1" "1.0" "1.00" " 1 " "\n1\t" "+1" "+1.0" "-0" "-0.0" "0_1" "0_1.0"
"01" "00.0" "\u00a01" "\u20091" 0.5 1.5 null [] {} "" " " "- 1" "_1" "1_" "1__0" "1." ".0" "1.5" "1e0"
"0x1" "٣" "+" "++1" "1.0_0" "inf" "nan" "true" "1 0" "1\u0000" -1 "-1"
"""
FLAGS = r"""
true false 0 1 2 -1 0.0 1.0 -0.0 0.5 null [] {} "" "true" "True" "TRUE" "tRue" " true " "false" "t" "T" "f"
"y" "n" "Y" "yes" "no" "yEs" "on" "off" "ON" "0" "1" "2" "1.0" "enabled"
"""
NAMES = '7 7.0 -7 -0.0 1e3 7.5 true false null [] {} "7" "7.0" "" 1e20 9223372036854775807'


def values(table):
    """The values of a table: separated by blanks, of which a string may hold some."""
    decoder, table = json.JSONDecoder(), table.strip()
    while table:
        _, end = decoder.raw_decode(table)
        yield table[:end]
        table = table[end:].lstrip()


def of_model(model, body):
    """The model of a body, or nothing if pydantic refuses it."""
    try:
        return model.model_validate(json.loads(body))
    except ValidationError:
        return None


def post(path, body):
    """The result of the only source, or nothing if the server refuses the request."""
    answer = httpx.post(url + path, content=body.encode(), timeout=60)
    assert answer.status_code in (200, 422), (body, answer.text)
    return answer.json()["results"][0] if answer.status_code == 200 else None


def agrees_on_seconds(value):
    body = '{"snippets": [{"id": "a", "code": "--! hang"}], "timeout": %s}' % value
    model, result = of_model(CheckRequest, body), post("/api/check", body)
    assert (model is None) == (result is None), (value, model, result)
    if model is not None:
        # The server gives every source a tenth of a second.
        wanted = f"timed out in {max(model.timeout, 0.1):.1f} seconds"
        assert result["error"].endswith(wanted), (value, wanted, result)
    return model is not None


def agrees_on_flag(value):
    body = '{"snippets": [{"id": "a", "code": "def a := 1"}], "debug": %s}' % value
    model, result = of_model(CheckRequest, body), post("/api/check", body)
    assert (model is None) == (result is None), (value, model, result)
    if model is not None:
        assert model.debug == ("diagnostics" in result), (value, result)
    for path, field, kind in [
        ("/api/check", '"snippets": [{"id": "a", "code": ""}], "reuse"', CheckRequest),
        ("/verify", '"codes": [{"custom_id": "a", "code": ""}], "disable_cache"', VerifyRequestBody),
    ]:
        body = "{%s: %s}" % (field, value)
        assert (of_model(kind, body) is None) == (post(path, body) is None), body
    return model is not None


def agrees_on_name(value):
    body = '{"codes": [{"custom_id": %s, "code": "def a := 1"}]}' % value
    model, result = of_model(VerifyRequestBody, body), post("/verify", body)
    assert (model is None) == (result is None), (value, model, result)
    if model is not None:
        assert result["custom_id"] == str(model.codes[0].custom_id), (value, result)
    return model is not None


with ThreadPoolExecutor(max_workers=8) as pool:
    for agrees, table in [
        (agrees_on_seconds, SECONDS),
        (agrees_on_flag, FLAGS),
        (agrees_on_name, NAMES),
    ]:
        taken = list(pool.map(agrees, values(table)))
        print(f"{agrees.__name__}: {sum(taken)} of {len(taken)} are taken by both")
        assert any(taken) and not all(taken)
# A limit that no source reaches is the largest there is, and never refused.
for value in ["1e18", '"99999999999999999999.0"', "10000000000000000000000"]:
    body = '{"snippets": [{"id": "a", "code": "def a := 1"}], "timeout": %s}' % value
    assert of_model(CheckRequest, body) and post("/api/check", body), value
print("all is well")
