// The model: the signatures of a .tflite file, run by LiteRT.js on arrays.

import { Problem } from "./problem.js";

// All bytes of one of the page's files.
export async function fetchBytes(url) {
  let answer;
  try {
    answer = await fetch(url);
  } catch {
    throw new Problem(`${url} was blocked or cannot be reached: reload the page, or allow it.`);
  }
  if (!answer.ok) throw new Problem(`${url} cannot be had: the server says ${answer.status}.`);
  return new Uint8Array(await answer.arrayBuffer());
}

export class Model {
  #compiled;
  #Tensor;
  #last = Promise.resolve();

  constructor(compiled, Tensor) {
    this.#compiled = compiled;
    this.#Tensor = Tensor;
    this.seconds = 0; // spent in `run` so far
  }

  // The model of a file; `wasm` is the address of the folder of LiteRT.js' WebAssembly files.
  static async load(url, wasm) {
    const bytes = fetchBytes(url);
    let litert;
    try {
      litert = await import("@litertjs/core");
      await litert.loadLiteRt(new URL(wasm, document.baseURI).href);
    } catch (error) {
      bytes.catch(() => {});
      const reason = error?.message ?? "it was blocked or cannot be reached";
      throw new Problem(
        `LiteRT.js, which runs the model, did not start: ${reason}. It needs WebAssembly with SIMD: ` +
          "allow that for this page, or try a newer browser.",
      );
    }
    const compiled = await litert.loadAndCompile(await bytes, { accelerator: "wasm" });
    return new Model(compiled, litert.Tensor);
  }

  has(signature) {
    return signature in this.#compiled.signatures;
  }

  // Name -> sizes of a signature's inputs.
  inputs(signature) {
    const details = this.#compiled.signatures[signature].getInputDetails();
    return Object.fromEntries(details.map(({ name, shape }) => [name, [...shape]]));
  }

  // Name -> Float32Array of a signature's inputs, and of more, to name -> Float32Array of outputs.
  // One call runs at a time.
  run(signature, arrays) {
    const done = this.#last.then(() => this.#run(signature, arrays));
    this.#last = done.catch(() => {});
    return done;
  }

  async #run(signature, arrays) {
    const start = performance.now();
    const given = {};
    let outputs = {};
    try {
      for (const [name, shape] of Object.entries(this.inputs(signature)))
        given[name] = new this.#Tensor(arrays[name], shape);
      outputs = await this.#compiled.signatures[signature].run(given);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, tensor.toTypedArray()]),
      );
    } finally {
      for (const tensor of [...Object.values(given), ...Object.values(outputs)]) tensor.delete();
      this.seconds += (performance.now() - start) / 1000;
    }
  }
}
