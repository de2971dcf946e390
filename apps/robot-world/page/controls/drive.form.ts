import { byId, make } from '../dom/elements.js';
import type { FloorCanvas } from '../floor/floor.canvas.js';
import type { Floor } from '../floor/floor.js';
import type { Pilot } from './pilot.js';

/** Connects the form beside the floor: it chooses and drives robots as the floor does, and shows the chosen robot. */
export function connectDriveForm(floor: Floor, view: FloorCanvas, pilot: Pilot): void {
  const robots = byId('robot', HTMLSelectElement);
  const [east, north] = [byId('goal-x', HTMLInputElement), byId('goal-y', HTMLInputElement)];
  let listed = 0;

  floor.onChange(() => {
    if (floor.robots.size !== listed) {
      listed = floor.robots.size;
      const options = [...floor.robots.values()].map(({ id, name }) => make('option', { value: id }, name));
      robots.replaceChildren(make('option', { value: '' }, 'Choose …'), ...options);
    }
    const { chosen = '', goal } = floor;
    if (robots.value !== chosen) robots.value = chosen;
    write(east, goal?.x);
    write(north, goal?.y);
  });
  robots.addEventListener('change', () => {
    const robot = floor.robots.get(robots.value);
    if (!robot) {
      floor.choose(undefined);
      return;
    }
    void pilot.choose(robot);
    view.reveal(robot);
  });
  for (const input of [east, north])
    input.addEventListener('input', () => {
      const goal = { x: east.valueAsNumber, y: north.valueAsNumber };
      if (Number.isFinite(goal.x + goal.y)) floor.aim(goal);
    });
  byId('drive', HTMLElement).addEventListener('submit', (event) => {
    event.preventDefault();
    void pilot.drive({ x: east.valueAsNumber, y: north.valueAsNumber });
  });
  byId('stop', HTMLElement).addEventListener('click', () => void pilot.stop());
}

/** Sets the value of a field, unless the user is typing in it. */
function write(input: HTMLInputElement, value: number | undefined): void {
  const text = value === undefined ? '' : String(Math.round(value * 100) / 100);
  if (input.value !== text && document.activeElement !== input) input.value = text;
}
