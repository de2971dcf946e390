import { ByteBudget } from '../../bytes/byte.budget.js';
import type { BudgetShare } from '../../bytes/byte.budget.js';
import type { IpcLimits } from '../../base/limits.js';
import { unref } from '../../base/timer.js';
import type { LocalPeer, NetworkPeer } from '../server/peer.js';
import type { IpcServerTransport } from '../message/transport.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import { EdgeEnd, OwnerEnd } from './relay.ends.js';
import type { SendPart } from './relay.ends.js';
import { readOpenRelay } from './relay.head.js';
import type { OpenRelay, RelayEndName, RelayHead, RelayRefusal } from './relay.head.js';

/** How long an owner may take to accept a relay, in milliseconds. */
const OPEN_MS = 3_000;
/** How often a node with relays is looked at, in milliseconds: its frontends wait while it is gone. */
const LOOK_MS = 500;
/** A node counts as gone if two looks do not find it, so many milliseconds apart: it may be reconnecting to the backplane. */
const AGAIN_MS = 200;
/** How long relays to a node that is gone are refused without another look, in milliseconds. */
const GONE_MS = 1_000;
const YIELDED = 'Others need a place, and nobody has as many relays as this user.';

/** The backplane, as relays use it. */
export interface RelayPort {
  readonly limits: IpcLimits;
  /** Sends a frame to a node. Rejects if it may be lost. */
  send(
    node: string,
    head: Omit<RelayHead, 'from' | 'seq'>,
    value?: unknown,
    bytes?: Uint8Array,
  ): Promise<void>;
  /** Whether a node is connected to the backplane, or may be. */
  lives(node: string): Promise<boolean>;
}

/** This server as the owner of sessions. */
export interface RelayOwner {
  /** The reason why a relay to a session cannot be opened. */
  refusal(session: string): RelayRefusal | undefined;
  /** Names a user; `null` without one. */
  keyOf(user: unknown): string | null;
  accept(transport: IpcServerTransport, peer: LocalPeer | NetworkPeer): IpcPeerEvents;
}

/** `gone`: the node does not exist any more. `silent`: it did not accept the relay in time, or the relay broke before. */
export type RelayFailure = RelayRefusal | 'gone' | 'silent';

interface Edge {
  readonly node: string;
  readonly end: EdgeEnd;
  /** The owner has accepted the relay. */
  readonly opened: () => void;
  /** Ends the relay. Its opening fails if the owner has not accepted it yet. */
  readonly over: (failure: RelayFailure) => void;
}

/** The relays of a node: its own connections whose sessions are elsewhere, and connections of other nodes to its sessions. */
export class Relays {
  readonly #edges = new Map<number, Edge>();
  readonly #owned = new Map<string, OwnerEnd>();
  /** The timer of the next look at each node; `undefined` while a look is under way. */
  readonly #looks = new Map<string, ReturnType<typeof setTimeout> | undefined>();
  readonly #gone = new Map<string, number>();
  /** One place for each relay, of both kinds. It belongs to the user of the connection. */
  readonly #places: ByteBudget<() => void>;
  #last = 0;

  constructor(
    private readonly port: RelayPort,
    private readonly owner: RelayOwner,
  ) {
    this.#places = new ByteBudget(port.limits.relays);
  }

  /**
   * Passes a connection on to the node that has its session.
   *
   * @returns receives the frames of the connection; or the reason why the owner has not accepted it
   */
  async open(
    node: string,
    session: string,
    transport: IpcServerTransport,
    connection: OpenRelay,
  ): Promise<IpcPeerEvents | RelayFailure> {
    if ((this.#gone.get(node) ?? 0) > performance.now()) return 'gone';
    const relay = ++this.#last;
    const end = new EdgeEnd(transport, this.#senderTo(node, relay, 'owner'), this.#most, () =>
      over('silent'),
    );
    const { pipe } = end;
    const place = this.#placeFor(connection.owner, () => pipe.broke(YIELDED));
    if (!place) return 'full';
    let settle!: (failure: RelayFailure | undefined) => void;
    const over = (failure: RelayFailure) => {
      this.#edges.delete(relay);
      place.clear();
      settle(failure);
    };
    const opened = new Promise<RelayFailure | undefined>((resolve) => (settle = resolve));
    const timer = setTimeout(() => {
      pipe.close(4000, 'Nobody waits any more.');
      over('silent');
    }, OPEN_MS);
    this.#edges.set(relay, { node, end, opened: () => settle(undefined), over });
    pipe.send('open', session, 0, connection);
    this.#look(node);
    const failure = await opened;
    clearTimeout(timer);
    return failure ?? end;
  }

  /** Receives a frame of another node. @throws Error if it is damaged */
  receive(head: RelayHead, read: () => unknown, bytes: Uint8Array | undefined): void {
    const { from, relay, to, type } = head;
    if (to === 'owner') {
      const key = `${relay} ${from}`;
      const owned = this.#owned.get(key);
      if (type === 'open') this.#open(key, head, readOpenRelay(read()));
      else if (owned) owned.pipe.receive(head, bytes);
      else this.#refuse(head, 'edge');
      return;
    }
    const edge = this.#edges.get(relay);
    if (edge?.node !== from) {
      this.#refuse(head, 'owner');
      return;
    }
    if (type === 'opened') {
      edge.end.isOpen = true;
      edge.opened();
    }
    if (type === 'refused') edge.over(refusalOf(head.text));
    else edge.end.pipe.receive(head, bytes);
  }

  /** A relay that is over here is so at its other end, which may not know it. */
  #refuse({ from, relay, type }: RelayHead, to: RelayEndName): void {
    if (type === 'close' || type === 'refused') return;
    const send = this.#senderTo(from, relay, to);
    send({ type: 'close', index: 0, text: 'The relay is over.', count: 4000 }).catch(() => undefined);
  }

  /** Frames of other nodes may be lost: every relay begins again. */
  broke(reason: string): void {
    for (const { end } of this.#edges.values()) end.pipe.broke(reason);
    for (const { pipe } of this.#owned.values()) pipe.broke(reason);
  }

  /** Ends all relays: their frontends connect again. */
  close(): void {
    this.broke('The node leaves.');
    for (const timer of this.#looks.values()) clearTimeout(timer);
    this.#looks.clear();
  }

  /**
   * Takes a place for a relay, if necessary that of the newest one of the user with most.
   *
   * @param owner names the user of the connection
   * @param end ends the relay
   * @returns `undefined` if no place is free
   */
  #placeFor(owner: string | null, end: () => void): BudgetShare | undefined {
    const places = this.#places;
    const name = owner ?? '';
    if (places.amount >= places.limit) places.above(name).at(-1)?.holder();
    if (places.amount >= places.limit) return undefined;
    const place = places.share(name, end);
    place.add(1);
    return place;
  }

  /** Bytes of one frame: escapes can double a text. */
  get #most(): number {
    return 2 * this.port.limits.messageBytes + 1024;
  }

  #senderTo(node: string, relay: number, to: RelayEndName): SendPart {
    return (part, value, bytes) => this.port.send(node, { kind: 'relay', relay, to, ...part }, value, bytes);
  }

  #open(key: string, { from, relay, text: session, index }: RelayHead, connection: OpenRelay): void {
    if (index !== 0 || this.#owned.has(key)) return;
    const send = this.#senderTo(from, relay, 'edge');
    const { hello, user, owner, ip, accessToken, isNative } = connection;
    const end = new OwnerEnd(send, this.#most, () => {
      this.#owned.delete(key);
      place?.clear();
    });
    const refusal = this.owner.refusal(session);
    const place = refusal ? undefined : this.#placeFor(owner, () => end.pipe.broke(YIELDED));
    if (!place) {
      const refused = { type: 'refused', index: 0, text: refusal ?? 'full', count: 0 } as const;
      void send(refused).catch(() => undefined);
      return;
    }
    this.#owned.set(key, end);
    end.pipe.send('opened');
    end.pipe.receive({ type: 'open', index, text: '', count: 0 }, undefined);
    const events = this.owner.accept(end, {
      reach: 'network',
      isNative,
      isUser: (known) => this.owner.keyOf(known) === user,
      accessToken,
      ...(owner === null ? {} : { owner }),
      ...(ip === null ? {} : { ip }),
    });
    end.events = events;
    events.frame(hello);
  }

  /** Looks at a node now, and then as long as it has relays. */
  #look(node: string): void {
    const isBusy = this.#looks.has(node) && this.#looks.get(node) === undefined;
    if (isBusy) return;
    clearTimeout(this.#looks.get(node));
    this.#looks.set(node, undefined);
    void this.#isGone(node).then((isGone) => {
      if (!this.#looks.delete(node)) return;
      const edges = [...this.#edges.values()].filter((edge) => edge.node === node);
      if (!isGone && edges.length > 0)
        this.#looks.set(node, unref(setTimeout(() => this.#look(node), LOOK_MS)));
      if (!isGone) return;
      this.#remember(node);
      for (const { end, over } of edges) {
        over('gone');
        end.pipe.broke('The node of the session is gone.');
      }
    });
  }

  /** A node that cannot be asked for is not gone. Never rejects. */
  async #isGone(node: string): Promise<boolean> {
    const lives = () => this.port.lives(node).catch(() => true);
    if (await lives()) return false;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    return !(await lives());
  }

  #remember(node: string): void {
    const now = performance.now();
    for (const [id, until] of this.#gone) if (until <= now) this.#gone.delete(id);
    this.#gone.set(node, now + GONE_MS);
  }
}

function refusalOf(text: string): RelayRefusal {
  return text === 'leaving' || text === 'full' || text === 'unsure' ? text : 'absent';
}
