"""What the judges of kimina-client make of answers of the server.

Stdin is a JSON list of objects: `reason` (why the source is undecided; else `accepted`, `rejected` or
`sorry`), `check` (its result from `/api/check`) and `verify` (its result from `/verify`).
"""

import json
import sys
import typing

if sys.version_info < (3, 12):
    # The client uses the standard one, which pydantic refuses on older Pythons.
    import typing_extensions

    typing.TypedDict = typing_extensions.TypedDict

from kimina_client.models import (
    CheckResponse,
    ReplResponse,
    SnippetStatus,
    VerifyResponse,
    backward_response_from_repl,
)
from kimina_client.proof_utils import (
    analyze,
    analyze_sample,
    has_error_response,
    parse_client_response,
    parse_lean_response,
)

STATUS = {
    "accepted": SnippetStatus.valid,
    "rejected": SnippetStatus.lean_error,
    "sorry": SnippetStatus.sorry,
    "timeout": SnippetStatus.timeout_error,
}


def judge_check(reason, check):
    """The newer judge: a status for each result."""
    status = ReplResponse(**check).analyze().status
    assert status == STATUS.get(reason, SnippetStatus.server_error), (reason, status, check)


def judge_verify(reason, verify):
    """The older judges: valid or not, with and without `sorry`."""
    parsed = parse_client_response(verify)
    assert parsed["is_valid_no_sorry"] == (reason == "accepted"), (reason, parsed, verify)
    assert parsed["is_valid_with_sorry"] == (reason in ("accepted", "sorry")), (parsed, verify)
    assert parsed["has_error"] == (reason not in ("accepted", "sorry")), (parsed, verify)
    sample = analyze_sample(verify)
    assert sample.is_valid_no_sorry == parsed["is_valid_no_sorry"], (reason, sample)
    assert sample.has_connection_error == (reason not in ("accepted", "sorry", "rejected"))
    response = verify.get("response")
    if response is not None:
        assert has_error_response(response) == parsed["has_error"], (reason, response)
        severities = [message["severity"] for message in parse_lean_response(response).values()]
        assert ("error" in severities) == parsed["has_error"], (reason, severities)


answers = json.load(sys.stdin)
for answer in answers:
    reason, check, verify = answer["reason"], answer["check"], answer["verify"]
    judge_check(reason, check)
    judge_verify(reason, verify)
    # The client turns the newer shape into the older one itself.
    judge_verify(reason, backward_response_from_repl(ReplResponse(**check)))
    print(reason)
CheckResponse(results=[answer["check"] for answer in answers]).analyze(elapsed=1.0)
VerifyResponse(results=[answer["verify"] for answer in answers])
analyze([answer["verify"] for answer in answers])
print("all is well")
