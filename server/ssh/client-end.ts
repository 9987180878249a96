/** A client's channel as a session has it: with a way to ask whether the client is still there. */
import type { DownstreamEnd, InputUnit, OutputUnit } from '../session/ports.ts';

interface Asked {
  /** Resolves with the answer, or when the connection ends. */
  globalRequest(type: string): Promise<unknown>;
}

/** @param isEnded whether the connection is over */
export function clientEnd(
  channel: {
    read(): Promise<InputUnit>;
    write(unit: OutputUnit): Promise<void>;
  },
  client: Asked | null,
  isEnded: () => boolean,
): DownstreamEnd {
  return {
    read: () => channel.read(),
    write: (unit) => channel.write(unit),
    // Whatever it answers, it is there.
    isThere: async () => {
      await client?.globalRequest('keepalive@openssh.com');
      return !isEnded();
    },
  };
}
