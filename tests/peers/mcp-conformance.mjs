// Runs the conformance suite of the Model Context Protocol that is installed in a folder: mcp-conformance.mjs FOLDER ARGUMENT...
//
// The suite is written for Node 22; a function of `fs` that it does not call here is added where there is an older one.
import { register } from "node:module";
import { pathToFileURL } from "node:url";

const fs = `data:text/javascript,${encodeURIComponent(
  'export * from "node:fs"; export { default } from "node:fs"; export const globSync = () => [];',
)}`;
const hook = `export const resolve = (name, context, next) =>
  name === "fs" && context.parentURL?.includes("/conformance/dist/")
    ? { url: ${JSON.stringify(fs)}, shortCircuit: true }
    : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const folder = process.argv.splice(2, 1)[0];
await import(pathToFileURL(`${folder}/node_modules/@modelcontextprotocol/conformance/dist/index.js`).href);
