// Frames as pictures: Float32Array [size, size, channels] in [0, 1], on canvases and off them.

// uint8 [N, T, H, W, C] -> [N][T] frames.
export function fromBytes(bytes, count, size, channels) {
  const each = size * size * channels;
  const length = bytes.length / count / each;
  return Array.from({ length: count }, (_, video) =>
    Array.from({ length }, (_, frame) => {
      const start = (video * length + frame) * each;
      return Float32Array.from(bytes.subarray(start, start + each), (value) => value / 255);
    }),
  );
}

export function draw(canvas, frame, size, channels) {
  const context = canvas.getContext("2d");
  if (!frame) return context.clearRect(0, 0, canvas.width, canvas.height);
  const image = context.createImageData(size, size);
  for (let pixel = 0; pixel < size * size; pixel++) {
    for (let c = 0; c < 3; c++) {
      const value = frame[pixel * channels + (channels === 3 ? c : 0)];
      image.data[4 * pixel + c] = Math.min(Math.floor(value * 256), 255);
    }
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// Any picture as a frame: its largest central square, shrunk by averaging areas, in the model's
// colours; what is transparent is white. As `python -m srvp_tf.generate` does with a clip.
export function fromPicture(picture, width, height, size, channels) {
  const side = Math.min(width, height);
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  const inner = Math.max(side, size); // what is smaller is enlarged by the canvas
  const canvas = new OffscreenCanvas(inner, inner);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, inner, inner);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, side, side, 0, 0, inner, inner);
  const { data } = context.getImageData(0, 0, inner, inner);
  const shares = sharesOf(inner, size);
  const frame = new Float32Array(size * size * channels);
  shares.forEach((rows, i) =>
    shares.forEach((columns, j) => {
      const colour = [0, 0, 0];
      for (const [row, height] of rows)
        for (const [column, width] of columns)
          for (let c = 0; c < 3; c++)
            colour[c] += height * width * data[4 * (row * inner + column) + c];
      const [red, green, blue] = colour;
      const grey = 0.299 * red + 0.587 * green + 0.114 * blue; // ITU-R BT.601
      const values = channels === 3 ? colour : [grey];
      frame.set(values.map((value) => Math.round(value) / 255), (i * size + j) * channels);
    }),
  );
  return frame;
}

// [size] of [position, share]: what each of `size` averages, of as many places in a longer row.
function sharesOf(length, size) {
  const step = length / size;
  return Array.from({ length: size }, (_, i) => {
    const end = Math.min((i + 1) * step, length);
    const shares = [];
    for (let k = Math.floor(i * step); k < end; k++)
      shares.push([k, (Math.min(k + 1, end) - Math.max(k, i * step)) / step]);
    return shares;
  });
}
