import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { BackplaneNode, IpcIdentity } from '@linnet/common';
import { ByteBudget } from '@linnet/common/internal';
import type { BudgetShare } from '@linnet/common/internal';
import { ownerOf } from '../../call/session.owner.js';
import { IpcHost } from '../host/ipc.host.js';
import type { IpcModuleOptions, IpcTicketStore } from '../host/ipc.options.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';

/**
 * Tickets that let a browser open a session: its WebSocket cannot carry an `Authorization` header, and a token in
 * a URL would end up in logs. A ticket is random, works once, and for seconds only.
 *
 * ```ts
 * @Post('ipc-ticket') @UseGuards(AuthGuard)
 * ticket(@Req() request) { return this.tickets.issue({ user: request.user }); }
 * // in the page: new WebSocket(`wss://…/ipc?ticket=${ticket}`)
 * ```
 */
@Injectable()
export class IpcTicketService {
  readonly #store: IpcTicketStore;

  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    { rooms: { backplane } }: IpcHost,
  ) {
    this.#store =
      options.ticketStore ?? (backplane ? sharedTickets(backplane) : new MemoryTicketStore(options.userKey));
  }

  /**
   * Issues a ticket that opens one session.
   *
   * @param identity the user of the session; with `frontend`, the backend recognizes a reload
   */
  async issue(identity: IpcIdentity): Promise<string> {
    const ticket = randomBytes(32).toString('base64url');
    await this.#store.put(ticket, identity, this.options.ticketMs ?? 30_000);
    return ticket;
  }

  /**
   * Redeems a ticket, which is invalid from then on.
   *
   * @returns the user that it was issued to; `undefined` if it was used, is too old or was never issued
   */
  async redeem(ticket: string): Promise<IpcIdentity | undefined> {
    return this.#store.take(ticket);
  }
}

/** Tickets that any node of the application can redeem. The identity has to survive JSON. */
function sharedTickets(node: BackplaneNode): IpcTicketStore {
  return {
    put: (ticket, identity, lifeMs) => node.keep(`ticket:${ticket}`, JSON.stringify(identity), lifeMs),
    take: async (ticket) => {
      const text = await node.take(`ticket:${ticket}`);
      return text === undefined ? undefined : (JSON.parse(text) as IpcIdentity);
    },
  };
}

/** Most tickets that are kept. A further one replaces the oldest of the user with most, so that requests cannot fill the memory. */
const MAX_TICKETS = 10_000;

interface KeptTicket {
  readonly identity: IpcIdentity;
  readonly until: number;
  /** Its place among all tickets. */
  readonly place: BudgetShare<string>;
}

class MemoryTicketStore implements IpcTicketStore {
  readonly #tickets = new Map<string, KeptTicket>();
  readonly #places = new ByteBudget<string>(MAX_TICKETS);

  constructor(private readonly userKey: IpcModuleOptions['userKey']) {}

  put(ticket: string, identity: IpcIdentity, lifeMs: number): void {
    const now = performance.now();
    // All are valid equally long, so the oldest come first.
    for (const [old, { until }] of this.#tickets) {
      if (until > now) break;
      this.#remove(old);
    }
    if (this.#places.amount >= MAX_TICKETS) this.#remove(this.#places.most()[0]!.holder);
    const place = this.#places.share(ownerOf(identity.user, undefined, this.userKey), ticket);
    place.add(1);
    this.#tickets.set(ticket, { identity, until: now + lifeMs, place });
  }

  take(ticket: string): IpcIdentity | undefined {
    const found = this.#remove(ticket);
    return found && found.until > performance.now() ? found.identity : undefined;
  }

  #remove(ticket: string): KeptTicket | undefined {
    const found = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    found?.place.clear();
    return found;
  }
}
