import type { Position, RobotProps } from '../../src/common/robot-world.props.js';
import { Camera } from './camera.js';
import { beforeNextFrame } from '../dom/elements.js';
import type { Floor } from './floor.js';

/** The smallest radius of a drawn robot, in pixels, so that it can be seen and clicked on a small canvas. */
const SMALLEST_ROBOT = 2.2;

/** The colours of the floor, from the style sheet. */
const colours = [
  '--ground',
  '--free',
  '--shelf',
  '--pallet',
  '--pillar',
  '--touched',
  '--robot',
  '--moving',
  '--route',
  '--chosen',
];
// Registered, so that the browser resolves `light-dark()` in their values.
for (const name of colours)
  CSS.registerProperty({ name, syntax: '<color>', inherits: true, initialValue: 'gray' });

/** Paints the floor: obstacles once for each view, robots after every change. */
export class FloorCanvas {
  readonly camera = new Camera();
  /** The obstacles in the current view. */
  readonly #backdrop = document.createElement('canvas');
  #backdropIsStale = true;
  readonly #paintSoon = beforeNextFrame(() => this.#paint());

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly floor: Floor,
  ) {
    floor.onChange(this.#paintSoon);
    new ResizeObserver(() => this.viewChanged()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.viewChanged());
  }

  /** Paints the obstacles again: the view, the obstacles or the colours have changed. */
  viewChanged(): void {
    this.#backdropIsStale = true;
    this.#paintSoon();
  }

  /** Moves the view so that a place is visible. */
  reveal(place: Position): void {
    this.camera.reveal(place);
    this.viewChanged();
  }

  #paint(): void {
    const { width, height } = this.#fit();
    if (this.#backdropIsStale) this.#paintBackdrop();
    this.#backdropIsStale = false;
    const context = this.canvas.getContext('2d')!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#backdrop, 0, 0);
    context.setTransform(this.canvas.width / width, 0, 0, this.canvas.height / height, 0, 0);
    this.#paintTouched(context);
    this.#paintTrail(context);
    this.#paintRoutes(context);
    this.#paintRobots(context);
    this.#paintChosen(context);
  }

  /** Gives the canvas as many pixels as the screen has in its area. */
  #fit(): { width: number; height: number } {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const [columns, rows] = [width, height].map((size) => Math.max(1, Math.round(size * devicePixelRatio)));
    this.camera.resize(width, height, this.floor.size);
    if (this.canvas.width !== columns || this.canvas.height !== rows) {
      Object.assign(this.canvas, { width: columns, height: rows });
      Object.assign(this.#backdrop, { width: columns, height: rows });
      this.#backdropIsStale = true;
    }
    return { width, height };
  }

  #paintBackdrop(): void {
    const context = this.#backdrop.getContext('2d')!;
    const ratio = this.#backdrop.width / this.canvas.clientWidth;
    const { minX, minY, maxX, maxY } = this.camera.region;
    const { width, depth } = this.floor.size;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.#colour('--ground');
    context.fillRect(0, 0, this.#backdrop.width, this.#backdrop.height);
    context.fillStyle = this.#colour('--free');
    this.#fillBox(context, { minX: 0, minY: 0, maxX: width, maxY: depth });
    const kinds = { shelf: '--shelf', pallet: '--pallet', pillar: '--pillar' };
    for (const [kind, name] of Object.entries(kinds)) {
      context.fillStyle = this.#colour(name);
      for (const box of this.floor.obstacles)
        if (box.kind === kind && box.maxX > minX && box.minX < maxX && box.maxY > minY && box.minY < maxY)
          this.#fillBox(context, box);
    }
  }

  #paintTouched(context: CanvasRenderingContext2D): void {
    const { touched, obstacles } = this.floor;
    if (touched.size === 0) return;
    context.fillStyle = this.#colour('--touched');
    for (const box of obstacles) if (touched.has(box.id)) this.#fillBox(context, box);
  }

  #paintTrail(context: CanvasRenderingContext2D): void {
    context.lineWidth = 2;
    context.strokeStyle = this.#colour('--chosen');
    context.setLineDash([2, 3]);
    this.#line(context, this.floor.trail);
    context.setLineDash([]);
  }

  #paintRoutes(context: CanvasRenderingContext2D): void {
    context.lineWidth = 2;
    context.lineJoin = 'round';
    context.strokeStyle = this.#colour('--route');
    for (const [id, places] of this.floor.routes) {
      const robot = this.floor.robots.get(id);
      if (robot) this.#line(context, [robot, ...places]);
    }
  }

  #paintRobots(context: CanvasRenderingContext2D): void {
    const colours = { atRest: this.#colour('--robot'), onItsWay: this.#colour('--moving') };
    const { routes, robots } = this.floor;
    for (const kind of ['atRest', 'onItsWay'] as const) {
      context.beginPath();
      for (const robot of robots.values())
        if (routes.has(robot.id) === (kind === 'onItsWay')) this.#disc(context, robot, this.#radius(robot));
      context.fillStyle = colours[kind];
      context.fill();
    }
  }

  #paintChosen(context: CanvasRenderingContext2D): void {
    const { chosenRobot: robot, goal } = this.floor;
    if (!robot) return;
    context.lineWidth = 2;
    context.strokeStyle = this.#colour('--chosen');
    context.beginPath();
    this.#disc(context, robot, this.#radius(robot) + 4);
    context.stroke();
    if (!goal) return;
    const { x, y } = this.camera.toPixels(goal);
    context.beginPath();
    for (const [dx, dy] of [
      [7, 0],
      [0, 7],
    ] as const) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
  }

  #fillBox(
    context: CanvasRenderingContext2D,
    box: { minX: number; minY: number; maxX: number; maxY: number },
  ): void {
    const { x, y } = this.camera.toPixels({ x: box.minX, y: box.maxY });
    const { scale } = this.camera;
    context.fillRect(x, y, (box.maxX - box.minX) * scale, (box.maxY - box.minY) * scale);
  }

  #disc(context: CanvasRenderingContext2D, place: Position, radius: number): void {
    const { x, y } = this.camera.toPixels(place);
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }

  #line(context: CanvasRenderingContext2D, places: readonly Position[]): void {
    context.beginPath();
    for (const place of places) {
      const { x, y } = this.camera.toPixels(place);
      context.lineTo(x, y);
    }
    context.stroke();
  }

  #radius(robot: RobotProps): number {
    return Math.max(SMALLEST_ROBOT, robot.radius * this.camera.scale);
  }

  /** The current value of a colour of the style sheet. */
  #colour(name: string): string {
    return getComputedStyle(this.canvas).getPropertyValue(name);
  }
}
