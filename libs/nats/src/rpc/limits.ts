/** The most that clients may use of a server over NATS, beside the limits of requests. */
export interface NatsLimits {
  /**
   * Calls that are open at once. Past it a call is answered with 503, and its client may try another server, unless the connection of
   * the client has fewer than its share among those with open calls. Past twice the limit every call is answered with 503. 10,000 hold
   * about a hundred megabytes if each has ten kilobytes of arguments.
   */
  calls: number;
  /**
   * Milliseconds for which the body of a request that does not fit into one message may bring nothing. Past it the call is
   * answered with 408. A stream among the arguments is not limited: its method reads it.
   */
  arrivalMs: number;
}

/** The default limits. {@link NatsLimits} explains them. */
export const defaultNatsLimits: Readonly<NatsLimits> = { calls: 10_000, arrivalMs: 30_000 };
