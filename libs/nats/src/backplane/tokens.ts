/** A text as a token of subjects and of keys, which have few characters. */
export function tokenOfText(text: string): string {
  return `x${Buffer.from(text).toString('base64url')}`;
}

/** The subjects and buckets of one application. */
export interface Places {
  /** The stream of everything that is published to topics. */
  readonly stream: string;
  /** The subjects that the stream keeps, without their last token. */
  readonly kept: string;
  /** The subjects on which NATS publishes again, numbered, what the stream keeps. */
  readonly numbered: string;
  /** The stream of the logs of sessions, and its subjects without their last token. */
  readonly logStream: string;
  readonly logs: string;
  /** The subjects of nodes, without their last token. */
  readonly nodes: string;
  /** The name of a bucket. */
  bucket(use: 'nodes' | 'entries' | 'texts'): string;
}

/** @throws Error if the name cannot be a part of subjects */
export function placesOf(name: string): Places {
  if (!/^[\w-]{1,32}$/.test(name))
    throw new Error(`The name of a NATS backplane has letters, digits, "-" and "_" only: "${name}".`);
  return {
    stream: `linnet-${name}`,
    kept: `linnet.backplane.${name}.kept`,
    numbered: `linnet.backplane.${name}.numbered`,
    logStream: `linnet-${name}-logs`,
    logs: `linnet.backplane.${name}.log`,
    nodes: `linnet.backplane.${name}.node`,
    bucket: (use) => `linnet-${name}-${use}`,
  };
}
