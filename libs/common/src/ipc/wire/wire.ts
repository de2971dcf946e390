import type { IpcServerLink, IpcSessionLink, OpenLink } from '../message/link.js';
import { CompatibleLink } from './compatible/link.js';
import { structuredCloneEncoding } from './durable/structured.encoding.js';
import { textEncoding } from './durable/text.encoding.js';
import type { FrameEncoding } from './durable/text.encoding.js';

/** The wire on which a session outlives its connections: it begins with a handshake (docs/wire-extension.md). */
export interface DurableWire {
  /** Distinguishes the wires. */
  readonly kind: 'durable';
  /** Encodes the frames for the platform. */
  readonly encoding: FrameEncoding;
}

/** A wire on which a session begins and ends with its connection: that of iTwin.js, or one that a library adds. */
export interface ConnectionWire<Link extends IpcServerLink = IpcServerLink> {
  /** Distinguishes the wires. */
  readonly kind: 'connection';
  /** Makes the link of a session. */
  readonly openLink: OpenLink<Link>;
}

/** A wire that a frontend can speak: {@link compatibleWire}, {@link durableTextWire} or {@link durableCloneWire}. */
export type IpcWire = DurableWire | ConnectionWire<IpcSessionLink>;

/** A wire that a backend can speak, those that libraries add included. */
export type IpcServerWire = DurableWire | ConnectionWire;

/** The wire of iTwin.js (docs/wire.md#3-ipc-over-websocket). */
export const compatibleWire: ConnectionWire<IpcSessionLink> = {
  kind: 'connection',
  openLink: (transport, limits, events, kept) => new CompatibleLink(transport, limits, events, kept),
};

/** The durable wire in JSON text and bytes: over WebSocket. */
export const durableTextWire: DurableWire = { kind: 'durable', encoding: textEncoding };

/** The durable wire in values, for platforms that clone them: message ports. */
export const durableCloneWire: DurableWire = { kind: 'durable', encoding: structuredCloneEncoding };
