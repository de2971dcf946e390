import { Body, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { IpcChannel, IpcHost, IpcSession } from '@linnet/backend';
import * as schema from '../argument.schema.js';
import { visitorsChannel } from '../common/visitors.ipc.js';
import type { VisitorsIpc } from '../common/visitors.ipc.js';

/** The room of all visitors. */
const ROOM = 'visitors';

/** Answers {@link VisitorsIpc}. Each session has a handler of its own, because it injects the session. */
@IpcChannel(visitorsChannel)
@UsePipes(StandardSchemaValidationPipe)
export class VisitorsIpcHandler implements VisitorsIpc, OnModuleDestroy {
  #name: string | undefined;
  #endWatch = () => {};

  constructor(
    private readonly session: IpcSession,
    private readonly host: IpcHost,
  ) {}

  async enter(@Body({ schema: schema.shortText }) name: string): Promise<string[]> {
    await this.session.join(ROOM, { name });
    this.#name = name;
    this.#endWatch();
    this.#endWatch = this.host.watchRoom(ROOM, () => void this.#tell());
    return this.#names();
  }

  async greet(@Body({ schema: schema.shortText }) text: string): Promise<void> {
    if (this.#name === undefined) throw new Error('Enter before you greet.');
    await this.host.to(ROOM).except(this.session).notifications(visitorsChannel).greeted(this.#name, text);
  }

  /** Nest calls it at the end of the session. */
  onModuleDestroy(): void {
    this.#endWatch();
  }

  async #names(): Promise<string[]> {
    const members = await this.host.presence(ROOM);
    return members.map(({ data }) => (data as { name: string }).name).toSorted();
  }

  async #tell(): Promise<void> {
    try {
      await this.session.notifications(visitorsChannel).changed(await this.#names());
    } catch {
      // The session has ended, or the other nodes cannot be reached: the next change has the names as well.
    }
  }
}
