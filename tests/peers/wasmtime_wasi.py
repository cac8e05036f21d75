"""Runs a module of WebAssembly under wasmtime: wasmtime_wasi.py [--dir HOST::GUEST]... MODULE [ARGUMENT...]

The program gets the environment of this process; its status is that of this process."""
import os
import sys

from wasmtime import Engine, ExitTrap, Linker, Module, Store, WasiConfig

rest = sys.argv[1:]
wasi = WasiConfig()
while rest[0] == "--dir":
    host, _, guest = rest[1].partition("::")
    wasi.preopen_dir(host, guest or host)
    del rest[:2]
wasi.argv = rest
wasi.env = list(os.environ.items())
wasi.inherit_stdin()
wasi.inherit_stdout()
wasi.inherit_stderr()
engine = Engine()
linker = Linker(engine)
linker.define_wasi()
store = Store(engine)
store.set_wasi(wasi)
instance = linker.instantiate(store, Module.from_file(engine, rest[0]))
try:
    instance.exports(store)["_start"](store)
except ExitTrap as end:
    sys.exit(end.code)
