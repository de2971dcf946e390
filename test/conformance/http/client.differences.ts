import type { Difference } from '../tables/compare.js';

/** A difference on the wire, and in what the client makes of it. */
export interface ClientDifference {
  exchanges: Difference[];
  clientOutcome?: unknown;
}

const kept = (cacheControl: string): ClientDifference => ({
  exchanges: [
    {
      reason: 'an answer to a call with credentials is for its caller alone, not for shared caches',
      headers: { 'cache-control': cacheControl },
    },
  ],
});
const transient = (status: number, retryAfter?: string): Difference => ({
  reason: 'what is to be repeated says why',
  body: JSON.stringify({ message: 'later', status, retryAfter, name: 'TransientError', isError: true }),
});

const binaryPart = (name: string) =>
  `Content-Disposition: form-data; name="${name}"\r\nContent-Type: application/octet-stream`;

/** Where we answer the recorded requests of the client otherwise than the reference, by vector. */
export const clientDifferences: Record<string, ClientDifference> = {
  C12: {
    exchanges: [
      {
        reason: 'a list that begins with binary is whole',
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
        body: [
          {
            head: 'Content-Disposition: form-data; name="objects"',
            content:
              '[{"isBinary":true,"index":0,"size":3,"chunks":1},{"isBinary":true,"index":1,"size":3,"chunks":1}]',
          },
          { head: binaryPart('data-0'), content: '001f3e' },
          { head: binaryPart('data-1'), content: '01203f' },
        ],
      },
    ],
    clientOutcome: { resolved: [{ $bytes: '001f3e' }, { $bytes: '01203f' }] },
  },
  C13: kept('private, max-age=172800, immutable'),
  C14: kept('private, max-age=1, immutable'),
  C16: kept('private, max-age=82800, immutable'),
  C33: { exchanges: [transient(503, '0.1')] },
  C34: { exchanges: [transient(429, '0.1')] },
  C35: { exchanges: [transient(567)] },
};
