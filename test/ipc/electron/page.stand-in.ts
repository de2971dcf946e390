import { EventEmitter } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { compileFunction, createContext, isContext, runInContext } from 'node:vm';
import * as events from 'node:events';
import * as timers from 'node:timers';
import * as url from 'node:url';
import ts from 'typescript';
import { clone, cross, freeze } from './context.bridge.js';
import type { World } from './context.bridge.js';
import type { ContentsStandIn } from './window.stand-in.js';

/** The modules that sandboxed preload scripts may require, besides `electron`. */
const modules: Record<string, unknown> = { events, timers, url };
let ids = 0;

/** One document in a frame: its two worlds, and `ipcRenderer`, which only the isolated one has. */
export class PageStandIn {
  /** The globals that the preload script has made for the page. */
  readonly window: Record<string, unknown>;
  /** The sender of a renderer that an attacker controls. */
  readonly ipcRenderer = new IpcRendererStandIn(this);
  /** Gone with its process or its frame, or another document is in its place. */
  isGone = false;
  readonly routingId = ++ids;
  readonly processId = ++ids;

  constructor(
    readonly contents: ContentsStandIn,
    readonly url: string,
    readonly origin: string,
    /** Its frame, as the main process sees it: that of the documents before it. */
    readonly frame: FrameStandIn,
  ) {
    this.window = contents.electron.realms ? createContext({}) : {};
    frame.show(this);
  }

  get #argv(): readonly string[] {
    return ['electron', ...(this.contents.options.webPreferences?.additionalArguments ?? [])];
  }

  /** The world of the page's scripts: a realm of its own, or that of the tests. */
  #main(): World {
    return isContext(this.window) ? worldOf(this.window) : { Array, Object, Error, TypeError };
  }

  /** Runs code of this page, in which exposed objects are global. One page at a time. */
  enter(): this {
    Object.assign(globalThis, this.window);
    return this;
  }

  /** Runs a preload script in the isolated world, sandboxed. */
  runPreload(path: string): void {
    const isolated = createContext({ console });
    const world = worldOf(isolated);
    const main = this.#main();
    const contextBridge = {
      exposeInMainWorld: (key: string, api: unknown) => {
        if (key in this.window)
          throw new Error('Cannot bind an API on top of an existing property on the window object');
        const exposed = cross(api, world, main);
        freeze(exposed);
        this.window[key] = exposed;
      },
    };
    const electron = { contextBridge, ipcRenderer: this.ipcRenderer };
    const require = (name: string) => {
      const known = name === 'electron' ? electron : modules[name.replace(/^node:/, '')];
      if (known === undefined) throw new Error(`module not found: ${name}`);
      return known;
    };
    const names = ['require', 'process', 'exports', 'module', 'Buffer', 'setImmediate', 'clearImmediate'];
    const exports = {};
    const script = compileFunction(sourceOf(path), names, { parsingContext: isolated, filename: path });
    const process = Object.assign(new EventEmitter(), { argv: this.#argv, sandboxed: true });
    script(require, process, exports, { exports }, Buffer, setImmediate, clearImmediate);
  }
}

/** `ipcRenderer` of one document. */
class IpcRendererStandIn extends EventEmitter {
  readonly #page: PageStandIn;

  constructor(page: PageStandIn) {
    super();
    this.#page = page;
  }

  send(channel: string, ...args: unknown[]): void {
    const cloned = clone(args);
    const { contents } = this.#page;
    contents.electron.later(() => {
      if (contents.isDestroyed()) return;
      contents.electron.receive(this.#page, channel, cloned);
    });
  }

  async invoke(channel: string, ...args: unknown[]): Promise<unknown> {
    const cloned = clone(args);
    const { contents } = this.#page;
    const { result, error } = await new Promise<InvokeReply>((reply) => {
      contents.electron.later(() => {
        if (!contents.isDestroyed()) void contents.electron.invoke(this.#page, channel, cloned).then(reply);
      });
    });
    if (error !== undefined) throw new Error(`Error invoking remote method '${channel}': ${error}`);
    return result;
  }
}

/** The answer of the main process to a call. */
export interface InvokeReply {
  readonly result?: unknown;
  readonly error?: string;
}

/** `WebFrameMain`, of a node of the tree of frames: whoever holds it sees the document that is shown there now. */
export class FrameStandIn {
  #page: PageStandIn | undefined;
  readonly frameTreeNodeId = ++ids;

  constructor(readonly parent: FrameStandIn | null) {}

  /** Another document is shown. */
  show(page: PageStandIn): void {
    if (this.#page) this.#page.isGone = true;
    this.#page = page;
  }

  get routingId(): number {
    return this.#alive().routingId;
  }
  get processId(): number {
    return this.#alive().processId;
  }
  get url(): string {
    return this.#alive().url;
  }
  get origin(): string {
    return this.#alive().origin;
  }
  send(channel: string, ...args: unknown[]): void {
    const { electron } = this.#page!.contents;
    try {
      const cloned = clone(args);
      const page = this.#alive();
      const { ipcRenderer } = page;
      electron.later(() => {
        // A page that was left has nobody who listens.
        if (!page.isGone) ipcRenderer.emit(channel, { sender: ipcRenderer, ports: [] }, ...cloned);
      });
    } catch (error) {
      electron.errors.push(error);
    }
  }

  #alive(): PageStandIn {
    if (!this.#page || this.#page.isGone)
      throw new Error('Render frame was disposed before WebFrameMain could be accessed');
    return this.#page;
  }
}

function worldOf(context: object): World {
  return runInContext('({ Array, Object, Error, TypeError })', context) as World;
}

/** Libraries are never built in place: what is made of the source beside it, by whose name tests resolve it. */
function sourceOf(path: string): string {
  const fileName = path.replace(/\.cjs$/, '.cts');
  if (!existsSync(fileName) || !fileName.endsWith('.cts')) return readFileSync(path, 'utf8');
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(readFileSync(fileName, 'utf8'), { compilerOptions, fileName }).outputText;
}
