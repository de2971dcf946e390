/** The subject of the calls of a service. Its queue group has the name of the service. */
export function subjectOf(service: string): string {
  return `linnet.rpc.${service}`;
}

/** @throws Error if a name cannot be a part of a subject */
export function checkService(service: string): void {
  if (!/^[\w-]{1,64}$/.test(service))
    throw new Error(`The name of a NATS service has letters, digits, "-" and "_" only: "${service}".`);
}

/** The beginning of subjects to which messages of peers may have answers sent. `_INBOX_alice.…` has it as well. */
export const INBOX_PREFIX = '_INBOX';

/**
 * Whether an answer may be sent to a subject that a peer has named. Another subject could be one that only this process may
 * publish to, for instance one that deletes a stream of JetStream.
 */
export function isInbox(subject: string | undefined, prefix: string): subject is string {
  return (
    subject !== undefined &&
    subject.startsWith(prefix) &&
    subject.length <= 256 &&
    !/[*>\s]|\.\.|\.$/.test(subject)
  );
}

/** The subject without its last token, which all calls of one connection share. */
export function ownerOf(inbox: string): string {
  return inbox.slice(0, inbox.lastIndexOf('.'));
}

/** The last token of a subject. */
export function tokenOf(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}
