import { TaplineError } from '@tapline/kernel';
import type { GroupPeer } from '../group-protocol.ts';

/** The group's type: Kafka refuses members of another kind. */
export const ELECTION_PROTOCOL_TYPE = 'tapline-leader';
export const ELECTION_PROTOCOL = 'sticky';

/** What a candidate says of itself when it joins. */
export interface Candidacy {
  /** For people: host and process. */
  readonly name: string;
  /** The generation of the group in which it began to lead; -1: it does not lead. */
  readonly leadsSince: number;
  /** The generation in which it joined; -1: it joins now. */
  readonly memberSince: number;
}

/** Who leads: what every member gets. */
export interface Elected {
  readonly memberId: string;
  readonly name: string;
}

/** The group's messages are JSON, so that people and later versions can read them; unknown fields are passed over. */
export function encodeCandidacy(candidacy: Candidacy): Buffer {
  return Buffer.from(JSON.stringify({ format: 1, ...candidacy }));
}

export function encodeElected(elected: Elected): Buffer {
  return Buffer.from(JSON.stringify({ format: 1, ...elected }));
}

/** @throws TaplineError KAFKA_REQUEST_REFUSED when somebody else uses the group. */
export function readElected(assignment: Buffer): Elected {
  const { memberId, name } = parse(assignment);
  if (typeof memberId === 'string' && typeof name === 'string') return { memberId, name };
  throw foreign(assignment);
}

function readCandidacy(metadata: Buffer): Candidacy {
  const { name, leadsSince, memberSince } = parse(metadata);
  if (typeof name === 'string' && typeof leadsSince === 'number' && typeof memberSince === 'number')
    return { name, leadsSince, memberSince };
  throw foreign(metadata);
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(String(bytes)) as Record<string, unknown> | null) ?? {};
  } catch {
    throw foreign(bytes);
  }
}

function foreign(bytes: Buffer): TaplineError {
  return new TaplineError('KAFKA_REQUEST_REFUSED', {
    message: `Something else is a member of the group: ${String(bytes).slice(0, 100)}`,
    remedy: 'Give the readers a group of their own (leadership.group).',
  });
}

/**
 * Who of the members leads: the one that does already, so that nobody who joins or leaves disturbs it. Of two that think so the later one, as the
 * earlier one was silent for a session and has not noticed yet. Nobody: the one that has stood by longest.
 */
export function elect(peers: readonly GroupPeer[]): Elected {
  const candidates = peers.map(({ memberId, metadata }) => ({ memberId, ...readCandidacy(metadata) }));
  const [first] = candidates.toSorted(
    (a, b) => b.leadsSince - a.leadsSince || seniority(a) - seniority(b) || (a.memberId < b.memberId ? -1 : 1),
  );
  const { memberId, name } = first as (typeof candidates)[number];
  return { memberId, name };
}

function seniority({ memberSince }: Candidacy): number {
  return memberSince < 0 ? Number.POSITIVE_INFINITY : memberSince;
}
