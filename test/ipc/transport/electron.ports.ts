import { EventEmitter } from 'node:events';

// Electron's ports and processes, with exactly the members that it documents: events carry one argument, and the objects are
// not EventTargets.

/** Delivers what is posted in a later turn, cloned; nothing before it is started, and nothing once it has ended. */
class Mailbox {
  #queue: unknown[] = [];
  #isStarted = false;
  isOver = false;
  deliver: (message: unknown) => void = () => undefined;

  post(message: unknown): void {
    const clone: unknown = structuredClone(message);
    setImmediate(() => {
      if (this.isOver) return;
      if (this.#isStarted) this.deliver(clone);
      else this.#queue.push(clone);
    });
  }

  start(): void {
    this.#isStarted = true;
    for (const message of this.#queue.splice(0)) this.deliver(message);
  }
}

/** `MessagePortMain`: of the main process and of utility processes. */
class MessagePortMain extends EventEmitter {
  readonly #inbox: Mailbox;
  readonly #outbox: Mailbox;

  constructor(inbox: Mailbox, outbox: Mailbox) {
    super();
    this.#inbox = inbox;
    this.#outbox = outbox;
    inbox.deliver = (data) => this.emit('message', { data, ports: [] });
  }
  postMessage(message: unknown): void {
    this.#outbox.post(message);
  }
  start(): void {
    this.#inbox.start();
  }
  close(): void {
    if (this.#inbox.isOver) return;
    this.#inbox.isOver = true;
    // Earlier messages still arrive.
    setImmediate(() => (this.#outbox.isOver = true));
    setImmediate(() => this.peer.emit('close'));
  }
  peer!: MessagePortMain;
}

/** `new MessageChannelMain()`. */
export function messageChannelMain(): { port1: MessagePortMain; port2: MessagePortMain } {
  const [one, two] = [new Mailbox(), new Mailbox()];
  const [port1, port2] = [new MessagePortMain(one, two), new MessagePortMain(two, one)];
  [port1.peer, port2.peer] = [port2, port1];
  return { port1, port2 };
}

/** `process.parentPort` of a utility process: started by its first listener. */
class ParentPort extends EventEmitter {
  readonly #outbox: Mailbox;

  constructor(inbox: Mailbox, outbox: Mailbox) {
    super();
    this.#outbox = outbox;
    inbox.deliver = (data) => this.emit('message', { data, ports: [] });
    this.on('newListener', (type) => type === 'message' && queueMicrotask(() => inbox.start()));
  }
  postMessage(message: unknown): void {
    this.#outbox.post(message);
  }
}

/** The result of `utilityProcess.fork()`: its messages are the values themselves. */
class UtilityProcess extends EventEmitter {
  readonly #inbox: Mailbox;
  readonly #outbox: Mailbox;

  constructor(inbox: Mailbox, outbox: Mailbox) {
    super();
    this.#inbox = inbox;
    this.#outbox = outbox;
    inbox.deliver = (message) => this.emit('message', message);
    inbox.start();
  }
  postMessage(message: unknown): void {
    this.#outbox.post(message);
  }
  kill(): boolean {
    setImmediate(() => this.#ended(15));
    return true;
  }
  /** V8 has run out of memory, for instance. */
  crash(): void {
    setImmediate(() => this.emit('error', 'FatalError', 'v8', '{}'));
    setImmediate(() => this.#ended(1));
  }
  #ended(code: number): void {
    this.#inbox.isOver = true;
    this.#outbox.isOver = true;
    this.emit('exit', code);
  }
}

/** `utilityProcess.fork('…')`, and what the process that it starts finds in `process.parentPort`. */
export function forkUtilityProcess(): { child: UtilityProcess; parentPort: ParentPort } {
  const [up, down] = [new Mailbox(), new Mailbox()];
  return { child: new UtilityProcess(up, down), parentPort: new ParentPort(down, up) };
}
