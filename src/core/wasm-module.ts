/** Modules that the build compiles to WebAssembly: each is compiled once a thread. */
import { readFileSync } from 'node:fs';

/** Where something is in a module's memory, in bytes, or another number that it exports. */
export type Address = WebAssembly.Global<'i32'>;

const compiled = new Map<string, WebAssembly.Module>();

/** What an instance with a memory of its own exports. */
export function instantiate<E extends WebAssembly.Exports>(file: URL, imports?: WebAssembly.Imports): E {
  let module = compiled.get(file.href);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(file));
    compiled.set(file.href, module);
  }
  return new WebAssembly.Instance(module, imports).exports as E;
}
