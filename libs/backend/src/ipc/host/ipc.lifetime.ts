import type { Logger } from '@nestjs/common';
import type { IpcModuleOptions } from './ipc.options.js';

/** An application that can be closed. */
export interface Closable {
  /** Closes the application. @returns resolves when it is closed */
  close(): Promise<void>;
}

/** The lifetime of a dedicated backend: it ends when its only frontend does not come back in time. */
export class IpcLifetime {
  #timer: NodeJS.Timeout | undefined;
  #app: Closable | undefined;
  /** Whether the backend itself ends. */
  #hasEnded = false;

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

  /** A frontend has connected. */
  connected(): void {
    clearTimeout(this.#timer);
  }

  /** The last frontend has left. It can come back within the grace time. */
  disconnected(): void {
    if (!this.options.dedicated || this.#hasEnded) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#gone(), this.options.frontendGraceMs ?? 5_000);
  }

  /** The backend ends. */
  close(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }

  #gone(): void {
    // Without an application to close, another frontend can connect and leave.
    if (this.#app) this.#hasEnded = true;
    this.logger.log('The frontend is gone for good.');
    const failed = (error: unknown) => this.logger.error(error);
    // The callback may be asynchronous, whatever its type says; nothing waits for it.
    const notify = async () => this.options.onFrontendGone?.();
    notify().catch(failed);
    this.#app?.close().catch(failed);
  }
}
