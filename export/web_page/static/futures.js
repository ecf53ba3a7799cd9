// Futures of a video: the model's parts put together, as export/web_page/composition.py does.
//
// Frames are Float32Array [H, W, C] in [0, 1], counted from 0. Noise is an argument: see noise.js.

// What the first frames tell: {y: [S] of Float32Array, shared: name -> Float32Array, frame}.
// `shared` is the same for all futures; `frame` is the index of the last observed frame.
export async function encode(model, frames, noise, numFutures) {
  const video = joined(frames);
  const observed = frames.length - 1;
  const states = [];
  for (let sample = 0; sample < numFutures; sample++) {
    const z = Array.from({ length: observed }, (_, i) => noise.z(sample, i + 1));
    const asked = { frames: video, noise_y: noise.y(sample), noise_z: joined(z) };
    states.push(await model.run("encode", asked));
  }
  const { y: _, ...shared } = states[0];
  return { y: states.map((state) => state.y), shared, frame: observed };
}

// The state after one frame more: what really happened.
export async function observe(model, state, frame, noise) {
  const next = [];
  for (const [sample, y] of state.y.entries()) {
    const asked = { ...state.shared, y, frame, noise_z: noise.z(sample, state.frame + 1) };
    next.push(await model.run("observe", asked));
  }
  const shared = { ...state.shared };
  for (const [name, value] of Object.entries(next[0])) shared[name.replace(/^next_/, "")] = value;
  delete shared.y;
  return { y: next.map((outputs) => outputs.next_y), shared, frame: state.frame + 1 };
}

// States of the frames to come: [S][horizon * framesPerStep] of Float32Array [ny].
export async function imagine(model, state, noise, { horizon, eulerSteps, framesPerStep }) {
  const count = state.y.length;
  const size = new Float32Array(model.inputs("step").y[1]).fill(1 / eulerSteps);
  const paths = state.y.map(() => []);
  let y = state.y;
  for (let interval = 1; interval <= horizon; interval++) {
    let z;
    if (model.has("prior")) {
      const eps = y.map((_, sample) => noise.z(sample, state.frame + interval));
      z = (await runPadded(model, "prior", { y, noise_z: eps })).z;
    }
    for (let step = 1; step <= eulerSteps; step++) {
      const moved = await runPadded(model, "step", { y, ...(z && { z }), step_size: size });
      y = moved.next_y.slice(0, count);
      if (step % (eulerSteps / framesPerStep) === 0) y.forEach((x, s) => paths[s].push(x));
    }
  }
  return paths;
}

// Frames of some states of one video, [K] to [K].
export async function decode(model, state, states) {
  const most = framesPerCall(model);
  const frames = [];
  for (let first = 0; first < states.length; first += most) {
    const some = states.slice(first, first + most);
    const outputs = await runPadded(model, "decode", { ...state.shared, y: some });
    frames.push(...outputs.frames.slice(0, some.length));
  }
  return frames;
}

// How many frames one call of `decode` makes.
export function framesPerCall(model) {
  return model.inputs("decode").y[1];
}

// Runs a signature whose inputs [1, N, ...] are given as lists of up to N arrays; those of its
// outputs that are [1, N, ...] too come back as lists of N.
async function runPadded(model, signature, given) {
  const shapes = model.inputs(signature);
  const arrays = { ...given };
  const count = shapes.y[1];
  for (const [name, list] of Object.entries(given))
    if (Array.isArray(list) && name in shapes)
      arrays[name] = joined(list, shapes[name].reduce((a, b) => a * b));
  const outputs = await model.run(signature, arrays);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, array]) => {
      const each = array.length / count;
      const parts = Array.from({ length: count }, (_, i) => array.subarray(i * each, (i + 1) * each));
      return [name, parts];
    }),
  );
}

// Arrays of one size, one after the other, and zeros up to `length`.
function joined(arrays, length = arrays.length * (arrays[0]?.length ?? 0)) {
  const whole = new Float32Array(length);
  arrays.forEach((array, i) => whole.set(array, i * array.length));
  return whole;
}
