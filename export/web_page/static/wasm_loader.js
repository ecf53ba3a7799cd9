// What LiteRT.js imports of its package @litertjs/wasm-utils: the page's import map leads here.

// Runs a script that leaves `ModuleFactory`, makes its WebAssembly module, and wraps that in `Type`.
export async function createWasmLib(Type, script) {
  await new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.crossOrigin = "anonymous";
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${script} could not be loaded`));
    element.src = script;
    document.head.append(element);
  });
  const make = globalThis.ModuleFactory;
  globalThis.ModuleFactory = undefined;
  return new Type(await make({}));
}
