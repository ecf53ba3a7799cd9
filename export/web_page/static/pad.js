// A pad to draw a digit on, with a pointer.

const SIDE = 28;
const INK = 2.6; // width of a line, in pixels of the digit
const MIDDLE = (SIDE - 1) / 2;

export class Pad {
  constructor(canvas) {
    this.canvas = canvas;
    canvas.width = canvas.height = SIDE;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.clear();
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.last = this.#place(event);
      this.#line(this.last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons && this.last) this.#line(this.#place(event));
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => (this.last = null));
  }

  clear() {
    this.last = null;
    this.context.fillStyle = "black";
    this.context.fillRect(0, 0, SIDE, SIDE);
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = SIDE / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  #line(to) {
    const { context } = this;
    Object.assign(context, { strokeStyle: "white", lineWidth: INK, lineCap: "round" });
    context.beginPath();
    context.moveTo(...this.last);
    context.lineTo(...to);
    context.stroke();
    this.last = to;
  }

  // The drawing, its centre of mass in the middle as MNIST's digits have it: Uint8Array [28 * 28];
  // null if nothing is drawn.
  picture() {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    const ink = Array.from({ length: SIDE * SIDE }, (_, pixel) => data[4 * pixel]);
    const mass = ink.reduce((sum, value) => sum + value, 0);
    if (!mass) return null;
    const mean = (coordinate) => ink.reduce((sum, v, i) => sum + v * coordinate(i), 0) / mass;
    const down = Math.round(MIDDLE - mean((i) => Math.floor(i / SIDE)));
    const right = Math.round(MIDDLE - mean((i) => i % SIDE));
    return Uint8Array.from(ink, (_, pixel) => {
      const row = Math.floor(pixel / SIDE) - down;
      const column = (pixel % SIDE) - right;
      const isInside = row >= 0 && row < SIDE && column >= 0 && column < SIDE;
      return isInside ? ink[row * SIDE + column] : 0;
    });
  }
}
