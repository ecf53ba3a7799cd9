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
  const source = new Float32Array(inner * inner * channels);
  for (let pixel = 0; pixel < inner * inner; pixel++) {
    const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
    if (channels === 3) source.set([red / 255, green / 255, blue / 255], 3 * pixel);
    else source[pixel] = (0.299 * red + 0.587 * green + 0.114 * blue) / 255; // ITU-R BT.601
  }
  const rows = averaged(source, inner, inner * channels, size);
  const turned = transposed(rows, size, inner, channels);
  const both = averaged(turned, inner, size * channels, size);
  return transposed(both, size, size, channels).map((value) => Math.round(value * 255) / 255);
}

// [length, rest] -> [size, rest]: each row of the result averages its share of the rows.
function averaged(source, length, rest, size) {
  if (length === size) return source;
  const result = new Float32Array(size * rest);
  const step = length / size;
  for (let i = 0; i < size; i++) {
    const end = Math.min((i + 1) * step, length);
    for (let row = Math.floor(i * step); row < end; row++) {
      const share = (Math.min(row + 1, end) - Math.max(row, i * step)) / step;
      for (let k = 0; k < rest; k++) result[i * rest + k] += share * source[row * rest + k];
    }
  }
  return result;
}

// [rows, columns, channels] -> [columns, rows, channels].
function transposed(source, rows, columns, channels) {
  const result = new Float32Array(source.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let c = 0; c < channels; c++)
        result[(column * rows + row) * channels + c] = source[(row * columns + column) * channels + c];
  return result;
}
