import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type {
  ElectronApplication,
  ElectronMainWindow,
  WindowSizeAndPositionProps,
} from '../electron/electron.types.js';

/** The data that is kept of a window. */
interface Kept {
  readonly bounds?: unknown;
  readonly maximized?: unknown;
}

/** Milliseconds for which a window has to be left alone before its place is written: dragging it has hundreds of events. */
const REST_MS = 200;

/** Remembers where windows were, by names from the application, in a file of the user. */
export class WindowSettings {
  constructor(private readonly app: ElectronApplication) {}

  /** Where a window was when it was last seen; `undefined` for one that was not. */
  sizeAndPosition(name: string): WindowSizeAndPositionProps | undefined {
    const { x, y, width, height } = Object(this.#of(name).bounds) as Record<string, unknown>;
    const bounds = { x, y, width, height };
    return Object.values(bounds).every(Number.isFinite) ? (bounds as WindowSizeAndPositionProps) : undefined;
  }

  /** Whether a window was as large as the screen; `undefined` for one that was not there. */
  maximized(name: string): boolean | undefined {
    const { maximized } = this.#of(name);
    return typeof maximized === 'boolean' ? maximized : undefined;
  }

  /** Keeps where a window is, from now on. */
  follow(window: ElectronMainWindow, name: string): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const save = () => {
      clearTimeout(timer);
      if (window.isDestroyed()) return;
      this.#write(name, { bounds: window.getBounds(), maximized: window.isMaximized() });
    };
    const saveSoon = () => {
      clearTimeout(timer);
      timer = setTimeout(save, REST_MS);
    };
    for (const event of ['maximize', 'unmaximize', 'close'] as const) window.on(event, save);
    for (const event of ['resize', 'move'] as const) window.on(event, saveSoon);
    save();
  }

  get #file(): string {
    return join(this.app.getPath('userData'), 'linnet-windows.json');
  }

  #of(name: string): Kept {
    return new Map(Object.entries(this.#read())).get(name) ?? {};
  }

  /** There may be no file, or it was written by something else. */
  #read(): Record<string, Kept> {
    try {
      const kept: unknown = JSON.parse(readFileSync(this.#file, 'utf8'));
      return Object(kept) as Record<string, Kept>;
    } catch {
      return {};
    }
  }

  #write(name: string, kept: Kept): void {
    try {
      const entries = { ...this.#read(), [name]: kept };
      writeFileSync(this.#file, JSON.stringify(entries));
    } catch (error) {
      // A place that is not remembered is not a reason to end.
      new Logger('ElectronHost').warn(`The place of window "${name}" is not kept: ${String(error)}`);
    }
  }
}
