import { EventEmitter } from 'node:events';
import { deserialize, serialize } from 'node:v8';
import type { ProcessChannel } from '../../libs/backend/src/node/cluster/process.channel.js';

/** One end of a channel that copies messages as the channel of a process does. */
export class ChannelEnd extends EventEmitter implements ProcessChannel {
  connected = true;
  other!: ChannelEnd;
  /** Whether messages wait, as for a process that does not read. */
  isFull = false;
  readonly #waiting: (() => void)[] = [];

  send(message: unknown, sent: (error: Error | null) => void): boolean {
    const copy: unknown = deserialize(serialize(message));
    const carry = () => {
      sent(null);
      this.other.emit('message', copy);
    };
    if (this.isFull) this.#waiting.push(carry);
    else setImmediate(carry);
    return !this.isFull;
  }

  resume(): void {
    this.isFull = false;
    for (const carry of this.#waiting.splice(0)) carry();
  }

  disconnect(): void {
    for (const end of [this, this.other]) {
      end.connected = false;
      end.emit('disconnect');
    }
  }
}

/** A channel between two processes, within this one. */
export function channel(): [primary: ChannelEnd, worker: ChannelEnd] {
  const [primary, worker] = [new ChannelEnd(), new ChannelEnd()];
  [primary.other, worker.other] = [worker, primary];
  return [primary, worker];
}
