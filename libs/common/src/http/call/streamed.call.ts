import type { Activity } from '../../call/activity.js';
import type { UnsentAnswer, UnsentBytes } from './unsent.answers.js';

/** How a stream begins: with its answer, or with an error in place of it. */
export type StreamBeginning =
  /** @param isBytes whether the first item is a byte string */
  | { readonly kind: 'open'; readonly isBytes: boolean }
  /** @param isUnsendable whether the first item cannot be sent, in place of an error of the method */
  | { readonly kind: 'failed'; readonly thrown: unknown; readonly isUnsendable: boolean }
  /** The client is gone. */
  | { readonly kind: 'left' };

/** The call that a stream answers. */
export interface StreamedCall {
  readonly activity: Activity;
  /** Encodes an error that ends the stream, and reports it. @returns JSON text of the members that the client sees */
  failed(thrown: unknown, isUnsendable: boolean): string;
  /** The producer has ended or was stopped. */
  over(): void;
  /** Makes the counter of the bytes of this answer that its client has not read. */
  countUnsent(answer: UnsentAnswer): UnsentBytes;
}
