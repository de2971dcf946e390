import type { Position } from '../../src/common/robot-world.props.js';
import { byId } from '../dom/elements.js';
import type { FloorCanvas } from '../floor/floor.canvas.js';
import type { Floor } from '../floor/floor.js';
import type { Pilot } from './pilot.js';

/** The largest distance of a click from a robot's edge, in pixels. */
const NEAR = 6;
/** A press that moves by fewer pixels is a click. */
const STILL = 4;
const ZOOM = 1.6;
const arrows: Record<string, readonly [x: number, y: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** Turns clicks, drags and keys on the floor into actions. */
export class FloorInput {
  readonly #canvas = byId('floor', HTMLCanvasElement);
  /** The action of each key. */
  readonly #keys: Record<string, () => void> = {
    n: () => this.#chooseNeighbour(1),
    p: () => this.#chooseNeighbour(-1),
    s: () => void this.pilot.stop(),
    Enter: () => this.floor.goal && void this.pilot.drive(this.floor.goal),
    Escape: () => this.floor.choose(undefined),
    '+': () => this.#zoom(ZOOM),
    '-': () => this.#zoom(1 / ZOOM),
    '0': () => this.#zoom(0),
  };

  constructor(
    private readonly floor: Floor,
    private readonly view: FloorCanvas,
    private readonly pilot: Pilot,
  ) {}

  listen(): void {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => this.#press(event));
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    for (const [id, factor] of Object.entries({ 'zoom-in': ZOOM, 'zoom-out': 1 / ZOOM, 'zoom-all': 0 }))
      byId(id, HTMLElement).addEventListener('click', () => this.#zoom(factor));
  }

  /** A press that moves drags the floor; a press without a move is a click. */
  #press({ offsetX, offsetY, button, pointerType }: PointerEvent): void {
    if (button !== 0) return;
    let way = 0;
    const done = new AbortController();
    const move = ({ movementX, movementY }: PointerEvent) => {
      way += Math.abs(movementX) + Math.abs(movementY);
      // A moving finger scrolls the page.
      if (way < STILL || pointerType === 'touch') return;
      this.view.camera.pan(movementX, movementY);
      this.view.viewChanged();
    };
    const release = () => {
      done.abort();
      if (way < STILL) this.#click(this.view.camera.toFloor({ x: offsetX, y: offsetY }));
    };
    addEventListener('pointermove', move, done);
    addEventListener('pointerup', release, done);
    addEventListener('pointercancel', () => done.abort(), done);
  }

  #click(place: Position): void {
    const robot = this.floor.robotAt(place, NEAR / this.view.camera.scale);
    if (robot) void this.pilot.choose(robot);
    else if (this.floor.chosen !== undefined) void this.pilot.drive(place);
  }

  #key(event: KeyboardEvent): void {
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    const arrow = arrows[key];
    const action = arrow
      ? () => this.#aim(arrow, shiftKey ? 10 : 1)
      : this.#keys[key.length === 1 ? key.toLowerCase() : key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #aim([x, y]: readonly [x: number, y: number], metres: number): void {
    const { goal } = this.floor;
    if (!goal) return;
    this.floor.aim({ x: goal.x + x * metres, y: goal.y + y * metres });
    this.view.reveal(this.floor.goal!);
  }

  #chooseNeighbour(step: 1 | -1): void {
    const robot = this.floor.neighbour(step);
    if (!robot) return;
    void this.pilot.choose(robot);
    this.view.reveal(robot);
  }

  /** Zooms with Ctrl and the wheel, which a pinch sends as well. The wheel alone scrolls the page. */
  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const { camera } = this.view;
    camera.zoom(2 ** (-event.deltaY / 200), camera.toFloor({ x: event.offsetX, y: event.offsetY }));
    this.view.viewChanged();
  }

  /** @param factor 0 shows the whole floor */
  #zoom(factor: number): void {
    const { camera } = this.view;
    if (factor === 0) camera.showAll();
    else camera.zoom(factor, this.floor.chosenRobot ?? camera.centre);
    if (factor > 1 && this.floor.chosenRobot) camera.reveal(this.floor.chosenRobot);
    this.view.viewChanged();
  }
}
