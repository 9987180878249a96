/** The words of forwards: what the client asked for, what it is told. Pure. */
import type { GrantOutcome } from '../access/grant.ts';
import { printable } from '../printable.ts';
import type { ForwardedChannel, ForwardOrigin, ForwardRequest } from './ports.ts';

const MAX_TEXT_CHARACTERS = 200;

/** An unknown target and a missing grant get the same words. */
export function refusalText(
  refusal: Exclude<GrantOutcome, { kind: 'granted' }>,
  { login, target }: { readonly login: string | null; readonly target: string },
  place: string,
): string {
  switch (refusal.why) {
    case 'no-grant':
      return `there is no target "${target}" that you may reach${
        login === null ? '' : ` as ${login}`
      }; forwards go through a target: ssh OPTIONS LOGIN@TARGET@BASTION`;
    case 'channel-kind':
      return `your grant for ${target} doesn't name the forward ${place}; ask for one that does`;
    case 'login-ambiguous':
      return `several logins fit; connect as LOGIN@${target} with one of: ${refusal.logins.join(', ')}`;
  }
}

/** A request as the client spelt it, for people. */
export function shown(request: ForwardRequest): string {
  if (request.kind === 'socket') return `unix:${request.path}`;
  const host = request.host.includes(':') ? `[${request.host}]` : request.host;
  return `${host}:${request.port}`;
}

/** What the client takes a listening back by. */
export function keyOf(request: ForwardRequest, port: number): string {
  return JSON.stringify(request.kind === 'tcp' ? [request.host, port] : [request.path]);
}

/** The client knows its listening by the words of its own request. */
export function inSpellingOf(request: ForwardRequest, channel: ForwardedChannel): ForwardedChannel {
  if (request.kind === 'socket' && channel.kind === 'socket') return request;
  if (request.kind === 'tcp' && channel.kind === 'tcp') return { ...channel, host: request.host };
  return channel;
}

/** Where a connection comes from, as its opener says. */
export function originText(origin: ForwardOrigin | null): string | null {
  if (origin === null) return null;
  const { host, port } = origin;
  return `${printable(host.includes(':') ? `[${host}]` : host, MAX_TEXT_CHARACTERS)}:${port}`;
}
