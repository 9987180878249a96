/** Bounds of the engine. Every one of them holds against a peer that means harm. Pure data. */

/** Largest packet of an authenticated client: an exec string of 1 MiB and what surrounds it. */
export const MAX_PACKET_BYTES = 1024 * 1024 + 4096;
/** Receive window of a channel; a peer can make us hold this much of unread data. */
export const WINDOW_BYTES = 2 * 1024 * 1024;
/** The window is topped up when this much of it has been read. */
export const WINDOW_REFILL_BYTES = 256 * 1024;
/** Largest data packet that a peer may send on a channel. */
export const CHANNEL_PACKET_BYTES = 32 * 1024;
/** Smallest packet size that a peer may ask us to use: less makes one write cost thousands of packets. */
export const MIN_PEER_PACKET_BYTES = 256;
/** Largest data packet that we send, whatever the peer allows. */
export const MAX_SENT_PACKET_BYTES = 32 * 1024;
/** `ChannelEnd.write` waits while a channel holds more than this. */
export const MAX_UNSENT_BYTES = 256 * 1024;
/** Channel data waits while the socket of the transport holds more than this. */
export const MAX_SOCKET_BYTES = 256 * 1024;
/** Reading from a peer stops while it lets this much of our answers pile up. */
export const MAX_UNREAD_ANSWER_BYTES = 1024 * 1024;
/** Reading from a peer stops while a channel holds this many unread units. */
export const MAX_QUEUED_UNITS = 1024;
/** Requests of a peer on one channel that may wait for whoever answers them. */
export const MAX_UNANSWERED_CHANNEL_REQUESTS = 4096;
/** Data shorter than this is copied behind earlier unread data instead of being kept by itself. */
export const SMALL_DATA_BYTES = 4096;
/** Unread data of one stream is read together up to this size, or one packet if that is larger. */
export const MAX_READ_BYTES = 64 * 1024;
/** Queue cost of a unit without data. */
export const UNIT_COST_BYTES = 64;
/** Channels that a client may have open on one connection. */
export const MAX_CHANNELS = 64;
/** Authentication requests that may wait for the answer to an earlier one. */
export const MAX_PENDING_REQUESTS = 10;
/** Authentication requests of one connection, counting offers that were accepted. */
export const MAX_AUTH_REQUESTS = 64;
/** A socket that was ended is destroyed after this time. */
export const DESTROY_AFTER_MS = 1000;
/** Unsent data towards a target is dropped this long after the client has gone. */
export const CLOSE_LINGER_MS = 5000;
/** Global requests of a peer that wait for an earlier one's answer. */
export const MAX_WAITING_GLOBAL_REQUESTS = 256;
/** Length of a name or text of the peer that is kept. */
export const MAX_PEER_TEXT = 256;
/** Text of a peer before its first packet; RFC 4253 allows lines in front of a server's identification. */
export const MAX_IDENTIFICATION_BYTES = 16 * 1024;
/** Keys are exchanged anew after this much of both directions, and after this time. */
export const REKEY_AFTER_BYTES = 1024 * 1024 * 1024;
export const REKEY_AFTER_MS = 60 * 60 * 1000;
/** Key exchanges of a peer: how many at once, and the lasting rate. More of them are made to wait. */
export const REKEY_BURST = 100;
export const REKEYS_PER_SECOND = 20;
/** What a peer may send after we began a key exchange: all its windows, and as much for the way. */
export const MAX_LATE_BYTES = 2 * MAX_CHANNELS * WINDOW_BYTES;
/** What waits for the end of a key exchange beside channel data: answers, and a few long commands. */
export const MAX_ANSWERS_IN_EXCHANGE_BYTES = 16 * 1024 * 1024;
