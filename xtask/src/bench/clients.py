"""Times the public Python clients against a stub REPL: one JSON line of nanoseconds per request.

Usage: clients.py CLIENT STUB FOLDER COUNT BYTES
A `lake` that only runs its last word stands in for Lake, since both clients start a REPL through it.
"""
import json
import os
import pathlib
import stat
import sys
import time


def write_program(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def prepare(folder: pathlib.Path, stub: str, size: int) -> pathlib.Path:
    repl = folder / "repl"
    program = f'#!/bin/sh\nexec "{stub}" --instant-bytes {size}\n'
    write_program(repl / ".lake/build/bin/repl", program)
    (repl / "lean-toolchain").write_text("leanprover/lean4:v4.27.0\n")
    (repl / "lakefile.toml").write_text('name = "REPL"\n')
    lake = f'#!/bin/sh\ncase "$1" in\n  env) shift; exec "$@";;\n  exe) exec "{repl}/.lake/build/bin/repl";;\nesac\n'
    write_program(folder / "bin/lake", lake)
    os.environ["PATH"] = f"{folder}/bin:{os.environ['PATH']}"
    return repl


def lean_interact(folder: pathlib.Path, repl: pathlib.Path):
    from lean_interact import Command, LeanREPLConfig, LeanServer

    config = LeanREPLConfig(
        local_repl_path=repl,
        build_repl=False,
        lake_path=folder / "bin/lake",
        cache_dir=folder / "cache",
        enable_incremental_optimization=False,
        enable_parallel_elaboration=False,
    )
    server = LeanServer(config)
    return lambda: server.run(Command(cmd="#eval 1", env=0))


def lean_repl_py(folder: pathlib.Path, repl: pathlib.Path):
    import lean_repl_py

    # The client starts its REPL in a folder that its package does not ship.
    (pathlib.Path(lean_repl_py.__file__).parent.parent / "repl").mkdir(exist_ok=True)
    handler = lean_repl_py.LeanREPLHandler()

    def ask():
        handler.send_command("#eval 1")
        return handler.receive_json()

    return ask


def main() -> None:
    name, stub, folder, count, size = sys.argv[1:]
    folder = pathlib.Path(folder)
    repl = prepare(folder, stub, int(size))
    ask = {"lean-interact": lean_interact, "lean-repl-py": lean_repl_py}[name](folder, repl)
    for _ in range(20):
        ask()
    times = []
    for _ in range(int(count)):
        start = time.perf_counter_ns()
        ask()
        times.append(time.perf_counter_ns() - start)
    print(json.dumps(times), flush=True)
    os._exit(0)


main()
