// Runs a module of WebAssembly under Node's WASI: node --no-warnings node-wasi.mjs [--dir HOST::GUEST]... MODULE [ARGUMENT...]
// The program gets the environment of this process; its status is that of this process.
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { WASI } from 'node:wasi';

// Node 20 may collect garbage inside of such calls, does not see the stack there, and crashes.
setFlagsFromString('--no-turbo-fast-api-calls');
const rest = process.argv.slice(2);
const preopens = {};
while (rest[0] === '--dir') {
  const [host, guest] = rest[1].split('::');
  preopens[guest ?? host] = host;
  rest.splice(0, 2);
}
const wasi = new WASI({ version: 'preview1', args: rest, env: process.env, preopens, returnOnExit: true });
const module = new WebAssembly.Module(readFileSync(rest[0]));
process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
