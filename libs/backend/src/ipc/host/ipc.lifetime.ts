import type { Logger } from '@nestjs/common';
import type { IpcModuleOptions } from './ipc.options.js';

/** An application, as far as its end is concerned. */
export interface Closable {
  /** Ends it; resolves when that is done. */
  close(): Promise<void>;
}

/** The one frontend of a dedicated backend: notices when it is gone for good. */
export class IpcLifetime {
  #timer: NodeJS.Timeout | undefined;
  #app: Closable | undefined;
  /** Whether the backend itself is about to end. */
  #over = false;

  constructor(
    private readonly options: IpcModuleOptions,
    private readonly logger: Logger,
  ) {}

  /** @throws Error unless the module is `dedicated` */
  bind(app: Closable): void {
    if (!this.options.dedicated)
      throw new Error(
        'bindLifetime() is for a backend of one frontend: IpcModule.forRoot({ dedicated: true }).',
      );
    this.#app = app;
  }

  /** A frontend is there. */
  begun(): void {
    clearTimeout(this.#timer);
  }

  /** The frontend has left; it may come back. */
  left(): void {
    if (!this.options.dedicated || this.#over) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#gone(), this.options.frontendGraceMs ?? 5_000);
  }

  /** The backend ends. */
  close(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #gone(): void {
    // Where nothing ends with it, another frontend may come, and go.
    if (this.#app) this.#over = true;
    this.logger.log('The frontend is gone for good.');
    const failed = (error: unknown) => this.logger.error(error);
    // The callback may be asynchronous, whatever its type says; nothing waits for it.
    const notify = async () => this.options.onFrontendGone?.();
    notify().catch(failed);
    this.#app?.close().catch(failed);
  }
}
