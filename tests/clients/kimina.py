"""The public client of Kimina Lean Server against the server at the address in the first argument.

Needs the package kimina-client. With `fake` as the second argument the server runs the fake REPL,
whose `#check Nat` has no real answer, so that `test` is left out.
"""

import asyncio
import sys
import typing

if sys.version_info < (3, 12):
    # The client uses the standard one, which pydantic refuses on older Pythons.
    import typing_extensions

    typing.TypedDict = typing_extensions.TypedDict

from kimina_client import AsyncKiminaClient, KiminaClient, Snippet
from kimina_client.models import SnippetStatus

url = sys.argv[1]
is_fake = sys.argv[2:] == ["fake"]
COUNT = 200


def snippets():
    """Accepted, rejected, with a hole, in turn; some with a comment before the imports."""
    texts = [
        "theorem t{0} : {0} + 0 = {0} := by rfl",
        "-- {0}\nimport Lean\ntheorem t{0} : {0} = {0} + 1 := by rfl",
        "theorem t{0} : {0} = {0} := by sorry",
        "import Lean\n#eval {0} + 1",
    ]
    if is_fake:
        texts[1] += "\n--! error 3:0 no"
        texts[2] += "\n--! sorry 1:20 goal"
    return [
        Snippet(id=f"s{n}", code=texts[n % len(texts)].format(n)) for n in range(COUNT)
    ]


def judge(results):
    """Each has the verdict that its text deserves."""
    assert len(results) == COUNT, len(results)
    wanted = [
        SnippetStatus.valid,
        SnippetStatus.lean_error,
        SnippetStatus.sorry,
        SnippetStatus.valid,
    ]
    for result in results:
        number = int(result.id[1:])
        status = result.analyze().status
        assert status == wanted[number % len(wanted)], (result.id, status, result)
        if status == SnippetStatus.lean_error:
            assert result.response["messages"][0]["pos"]["line"] == 3, result


def blocking():
    client = KiminaClient(api_url=url)
    print("health:", client.health())
    if not is_fake:
        client.test()
        print("test: passed")
    judge(client.check(snippets(), show_progress=False).results)
    print(f"check: {COUNT} snippets")
    late = client.check(
        Snippet(id="late", code="--! hang" if is_fake else LOOP), timeout=1, show_progress=False
    )
    assert late.results[0].analyze().status == SnippetStatus.timeout_error, late
    print("check: a timeout is a timeout")


LOOP = "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0"


async def waiting():
    client = AsyncKiminaClient(api_url=url)
    print("health, async:", await client.health())
    if not is_fake:
        await client.test()
        print("test, async: passed")
    found = await client.check(snippets(), show_progress=False, max_workers=8)
    judge(found.results)
    print(f"check, async: {COUNT} snippets")
    await client.close()


blocking()
asyncio.run(waiting())
print("all is well")
