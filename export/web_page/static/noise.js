// The noise of a future: standard normal numbers, each with an address (seed, sample, frame).
//
// The same numbers as srvp_tf/models/rng.py draws, to the last bit or nearly: Philox4x32-10, then
// Box-Muller. So seed 7 here and `python -m srvp_tf.generate --seed=7` show the same futures.

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57];
const WEYL = [0x9e3779b9, 0xbb67ae85];
const ROUNDS = 10;
const PURPOSE_SHIFT = 24;

const PREDICT_STATE = 5; // of rng.Purpose
export const PREDICT_LATENT = 6;

// Upper and lower 32 bits of the product of two unsigned 32-bit integers.
function multiply(a, b) {
  const product = BigInt(a) * BigInt(b);
  return [Number(product >> 32n), Number(product & 0xffffffffn)];
}

// Two key words and four counter words -> four words, all unsigned 32-bit integers.
function philox([k0, k1], [c0, c1, c2, c3]) {
  for (let round = 0; round < ROUNDS; round++) {
    const [high0, low0] = multiply(c0, MULTIPLIERS[0]);
    const [high1, low1] = multiply(c2, MULTIPLIERS[1]);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

// `size` random 32-bit words at an address.
function randomBits(seed, purpose, size, { index = 0, frame = 0 } = {}) {
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  const words = [];
  for (let block = 0; words.length < size; block++) {
    const first = ((purpose << PURPOSE_SHIFT) + block) >>> 0;
    words.push(...philox(key, [first, 0, index, frame])); // of video 0
  }
  return words.slice(0, size);
}

// `size` standard normal numbers at an address: Float32Array.
export function normal(seed, purpose, size, address) {
  const bits = randomBits(seed, purpose, size + (size % 2), address);
  const draws = new Float32Array(bits.length);
  const uniform = (word) => (word + 0.5) * 2 ** -32;
  for (let i = 0; i < bits.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(uniform(bits[i])));
    const angle = 2 * Math.PI * uniform(bits[i + 1]);
    draws[i] = radius * Math.cos(angle);
    draws[i + 1] = radius * Math.sin(angle);
  }
  return draws.slice(0, size);
}

// What `futures.js` takes for noise: y(sample) of the first state and z(sample, frame), frames
// counted from 0, so that the first z is that of frame 1.
export function seededNoise(seed, { ny, nz }) {
  return {
    y: (sample) => normal(seed, PREDICT_STATE, ny, { index: sample }),
    z: (sample, frame) => normal(seed, PREDICT_LATENT, nz, { index: sample, frame }),
  };
}
