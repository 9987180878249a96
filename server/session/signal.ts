/** Signals by the names of RFC 4254 section 6.9, without `SIG`. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  XCPU: 24,
  XFSZ: 25,
  SYS: 31,
};

/** 128 + the signal's number on Linux, as shells count a death by signal; null for an unknown name. */
export function signalStatus(name: string): number | null {
  const number = SIGNAL_NUMBERS[name];
  return number === undefined ? null : 128 + number;
}
