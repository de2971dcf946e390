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
/** A node is gone if it is not there twice, so many milliseconds apart: it may connect to the backplane again. */
const AGAIN_MS = 200;
/** For so long nobody asks again for a node that is gone, in milliseconds. */
const GONE_MS = 1_000;

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

/** `gone`: the node does not exist any more. `silent`: it did not answer in time. */
export type RelayFailure = RelayRefusal | 'gone' | 'silent';

interface Edge {
  readonly node: string;
  readonly end: EdgeEnd;
  /** Settles the opening. */
  readonly settle: (failure: RelayFailure | undefined) => void;
}

/** The relays of a node: its own connections whose sessions are elsewhere, and connections of other nodes to its sessions. */
export class Relays {
  readonly #edges = new Map<number, Edge>();
  readonly #owned = new Map<string, OwnerEnd>();
  /** Nodes that are looked at, until then. */
  readonly #looks = new Map<string, ReturnType<typeof setTimeout> | undefined>();
  readonly #gone = new Map<string, number>();
  #last = 0;

  constructor(
    private readonly port: RelayPort,
    private readonly owner: RelayOwner,
  ) {}

  /** How many there are, of both kinds. */
  get size(): number {
    return this.#edges.size + this.#owned.size;
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
    if (this.#isFull) return 'full';
    const relay = ++this.#last;
    const end = new EdgeEnd(transport, this.#senderTo(node, relay, 'owner'), this.#most, () =>
      over('silent'),
    );
    const { pipe } = end;
    const over = (failure: RelayFailure) => {
      this.#edges.delete(relay);
      settle(failure);
    };
    let settle!: Edge['settle'];
    const opened = new Promise<RelayFailure | undefined>((resolve) => (settle = resolve));
    const timer = setTimeout(() => {
      pipe.close(4000, 'Nobody waits any more.');
      over('silent');
    }, OPEN_MS);
    this.#edges.set(relay, { node, end, settle });
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
      edge.settle(undefined);
    }
    if (type === 'refused') {
      this.#edges.delete(relay);
      edge.settle(refusalOf(head.text));
    } else edge.end.pipe.receive(head, bytes);
  }

  /** A relay that is over here is so at its other end, which may not know it. */
  #refuse({ from, relay, type }: RelayHead, to: RelayEndName): void {
    if (type === 'close' || type === 'refused') return;
    const send = this.#senderTo(from, relay, to);
    send({ type: 'close', index: 0, text: 'The relay is over.', count: 4000 }).catch(() => undefined);
  }

  /** Frames of other nodes may be lost: every relay begins again. */
  broke(reason: string): void {
    for (const { end, settle } of this.#edges.values()) {
      settle('silent');
      end.pipe.broke(reason);
    }
    for (const { pipe } of this.#owned.values()) pipe.broke(reason);
  }

  /** Ends all relays: their frontends connect again. */
  close(): void {
    this.broke('The node leaves.');
    for (const timer of this.#looks.values()) clearTimeout(timer);
    this.#looks.clear();
  }

  get #isFull(): boolean {
    return this.size >= this.port.limits.relays;
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
    const refusal = this.#isFull ? 'full' : this.owner.refusal(session);
    if (refusal) {
      void send({ type: 'refused', index: 0, text: refusal, count: 0 }).catch(() => undefined);
      return;
    }
    const { hello, user, owner, ip, accessToken, isNative } = connection;
    const end = new OwnerEnd(send, this.#most, () => this.#owned.delete(key));
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
      for (const { end, settle } of edges) {
        settle('gone');
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
  return text === 'leaving' || text === 'full' ? text : 'absent';
}
