/** An order of the benchmark: sends messages to rooms, in turn. */
export interface Flood {
  readonly rooms: readonly string[];
  readonly count: number;
  /** Messages in a second; as many as possible without it. */
  readonly perSecond?: number;
  /** Reports each message whose sender was told that it is sent. */
  readonly isReported?: boolean;
}

/** Sends to rooms over some nodes. */
export interface RoomSender {
  /** Sends one message. @returns resolves when the sender is told that it is sent; nothing if nobody is told */
  send(room: string, n: number): Promise<unknown> | undefined;
  /** Resolves when the broker has taken everything, so that nothing waits without a bound. */
  confirm(): Promise<unknown>;
}

/** Messages that the broker has not confirmed. */
const WINDOW = 256;
/** How often a steady rate is kept up, in milliseconds. */
const TICK_MS = 5;

/** Sends what was ordered. A message that is not reported as told may have arrived nevertheless. */
export async function flood(
  { rooms, count, perSecond, isReported }: Flood,
  sender: RoomSender,
): Promise<void> {
  const start = performance.now();
  let open: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    if (perSecond !== undefined)
      while (n >= ((performance.now() - start) / 1000) * perSecond)
        await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const report = () => {
      if (isReported) process.send!({ told: n });
    };
    const told = sender.send(rooms[n % rooms.length]!, n);
    if (told) open.push(told.then(report, () => undefined));
    else report();
    // A steady rate does not wait: what happens while the broker is away is what is measured.
    if (perSecond !== undefined || (n + 1) % WINDOW !== 0) continue;
    await Promise.all([...open, sender.confirm()]);
    open = [];
  }
  await Promise.all(open);
  if (perSecond === undefined) await sender.confirm();
}
