// How thrown digits move: the rule of Moving MNIST, as data_pipelines/moving_mnist/trajectories.py has it.
//
// A motion is {x, y, dx, dy}: the row and column of a digit's upper left corner in pixels, and how
// far it moves in a frame.

const TOLERANCE = 1e-8;

// The corners [frame] = [row, column] of one digit.
//
// `draw()` gives a component of a new velocity after a bounce; null: borders are mirrors.
export function trajectory(start, numFrames, extent, draw) {
  const path = [];
  let motion = { ...start };
  for (let frame = 0; frame < numFrames; frame++) {
    while (!within(motion.x, extent) || !within(motion.y, extent))
      motion = bounce(motion, extent, draw);
    path.push([roundHalfToEven(motion.x), roundHalfToEven(motion.y)]);
    motion = { ...motion, x: motion.x + motion.dx, y: motion.y + motion.dy };
  }
  return path;
}

// A digit that left the frame: back to the border, then on with its new velocity.
function bounce({ x, y, dx, dy }, extent, draw) {
  const { crossX, crossY, offX, offY } = crossing({ x, y, dx, dy }, extent);
  const rest = dx !== 0 ? (x - crossX) / dx : (y - crossY) / dy;
  let newDx = draw ? draw() : dx;
  let newDy = draw ? draw() : dy;
  if (offX) newDx = dx > 0 ? -Math.abs(newDx) : Math.abs(newDx);
  if (offY) newDy = dy > 0 ? -Math.abs(newDy) : Math.abs(newDy);
  return { x: crossX + rest * newDx, y: crossY + rest * newDy, dx: newDx, dy: newDy };
}

// Where the path left the frame, and by which borders.
function crossing({ x, y, dx, dy }, extent) {
  const borderX = dx > 0 ? extent : 0;
  const borderY = dy > 0 ? extent : 0;
  if (dx === 0) return { crossX: x, crossY: borderY, offX: false, offY: true };
  if (dy === 0) return { crossX: borderX, crossY: y, offX: true, offY: false };
  const slope = dy / dx;
  const offset = y - slope * x;
  const yAtBorder = slope * borderX + offset;
  const xAtBorder = (borderY - offset) / slope;
  const offX = within(yAtBorder, extent);
  const offY = within(xAtBorder, extent);
  const crossX = offY ? xAtBorder : borderX;
  const crossY = offY ? borderY : yAtBorder;
  return { crossX, crossY, offX, offY };
}

function within(value, extent) {
  return value >= -TOLERANCE && value <= extent + TOLERANCE;
}

function roundHalfToEven(value) {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

// Frames of digits along their paths, summed and no brighter than white: [T] of Float32Array
// [size, size] in [0, 1].
//
// `pictures` are Uint8Array [side * side], one for each of `paths` [T] = [row, column].
export function render(pictures, paths, side, size) {
  return paths[0].map((_, frame) => {
    const sum = new Uint16Array(size * size);
    pictures.forEach((picture, i) => {
      const [top, left] = paths[i][frame];
      for (let row = 0; row < side; row++)
        for (let column = 0; column < side; column++)
          sum[(top + row) * size + left + column] += picture[row * side + column];
    });
    return Float32Array.from(sum, (value) => Math.min(value, 255) / 255);
  });
}
