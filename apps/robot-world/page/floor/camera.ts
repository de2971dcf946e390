import type { FloorProps, Position, Region } from '../../src/common/robot-world.props.js';

/** The largest scale, in pixels per metre. */
const NEAREST = 40;

/** The visible part of the floor, and its place on the canvas. Pixels are CSS pixels. */
export class Camera {
  #centre: Position = { x: 0, y: 0 };
  #width = 1;
  #height = 1;
  #floor: FloorProps = { width: 1, depth: 1 };
  /** In pixels per metre. */
  scale = 1;

  /** Adapts to a new size of the canvas. */
  resize(width: number, height: number, floor: FloorProps): void {
    const wasWhole = this.scale <= this.#whole();
    [this.#width, this.#height, this.#floor] = [width, height, floor];
    if (wasWhole) this.showAll();
    this.#keepInside();
  }

  showAll(): void {
    this.scale = this.#whole();
    this.#keepInside();
  }

  /** @param around the place that does not move on the canvas */
  zoom(factor: number, around: Position): void {
    const before = this.toPixels(around);
    this.scale = Math.min(NEAREST, this.scale * factor);
    this.#keepInside();
    const after = this.toPixels(around);
    this.pan(before.x - after.x, before.y - after.y);
  }

  /** Moves the view by pixels. */
  pan(x: number, y: number): void {
    this.#centre = { x: this.#centre.x - x / this.scale, y: this.#centre.y + y / this.scale };
    this.#keepInside();
  }

  /** Centres the view on a place that is not well inside it. */
  reveal(place: Position): void {
    const { x, y } = this.toPixels(place);
    const isInside = x > 30 && y > 30 && x < this.#width - 30 && y < this.#height - 30;
    if (!isInside) this.pan(this.#width / 2 - x, this.#height / 2 - y);
  }

  get centre(): Position {
    return this.#centre;
  }

  /** The visible part of the floor, in metres. */
  get region(): Region {
    const { x: minX, y: maxY } = this.toFloor({ x: 0, y: 0 });
    const { x: maxX, y: minY } = this.toFloor({ x: this.#width, y: this.#height });
    return { minX, minY, maxX, maxY };
  }

  toPixels({ x, y }: Position): Position {
    return {
      x: this.#width / 2 + (x - this.#centre.x) * this.scale,
      y: this.#height / 2 - (y - this.#centre.y) * this.scale,
    };
  }

  toFloor({ x, y }: Position): Position {
    return {
      x: this.#centre.x + (x - this.#width / 2) / this.scale,
      y: this.#centre.y - (y - this.#height / 2) / this.scale,
    };
  }

  #whole(): number {
    return Math.min(this.#width / this.#floor.width, this.#height / this.#floor.depth);
  }

  #keepInside(): void {
    this.scale = Math.max(this.scale, this.#whole());
    const keep = (value: number, pixels: number, size: number) => {
      const half = Math.min(pixels / this.scale, size) / 2;
      return Math.min(size - half, Math.max(half, value));
    };
    const { width, depth } = this.#floor;
    this.#centre = {
      x: keep(this.#centre.x, this.#width, width),
      y: keep(this.#centre.y, this.#height, depth),
    };
  }
}
